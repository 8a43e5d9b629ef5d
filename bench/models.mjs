// The models that are measured: widths of the Linear layers, ReLU between them.
export const MODELS = {
  A: [784, 128, 10],
  B: [784, 512, 512, 10],
  C: [1024, 1024, 1024, 1024],
  D1: [13, 512, 256, 64, 16],
  E: [64, 64, 64, 1],
};

export const BATCHES = [1, 8, 32, 128, 1024];
