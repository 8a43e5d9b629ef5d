// The models that are measured: widths of the Linear layers, ReLU between them.

export const STANDARD_BATCHES = [1, 8, 32, 128, 1024];

const model = (name, widths, batches = STANDARD_BATCHES) => ({ name, widths, batches });

export const MODELS = [
  model('A', [784, 128, 10]),
  model('B', [784, 512, 512, 10]),
  model('C', [1024, 1024, 1024, 1024]),
  model('D1', [13, 512, 256, 64, 16]),
  model('E', [64, 64, 64, 1]),
  model('dlrm-bottom', [13, 512, 256, 128], [1, 128, 270]),
  model('dlrm-top', [479, 1024, 1024, 512, 256, 1], [1, 128, 270]),
  model('wide-deep', [1200, 1024, 512, 256, 1]),
  model('ranking', [136, 256, 128, 64, 1], [100]),
  model('fraud', [30, 256, 256, 256, 1], [1]),
  model('embedding', [1024, 1024, 2048, 1024, 256, 128, 16, 1], [1, 64]),
  model('autoencoder', [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]),
];

/** Multiplications of one row. */
export function macsOf(widths) {
  return widths.slice(1).reduce((sum, width, i) => sum + width * widths[i], 0);
}

/** mulberry32: uniform in [0, 1), the same in every run. */
export function randomOf(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const uniform = (length, limit, random) => Float32Array.from({ length }, () => (2 * random() - 1) * limit);

/**
 * Weights of each Linear layer, [out, in]. He's bound keeps the signal alive through all layers: with PyTorch's, the
 * output of ten layers would hardly depend on the input, and a wrong peer would pass for a right one.
 */
export function layersOf(widths, seed = 1) {
  const random = randomOf(seed);
  return widths.slice(1).map((outFeatures, i) => ({
    inFeatures: widths[i],
    outFeatures,
    weight: uniform(outFeatures * widths[i], Math.sqrt(6 / widths[i]), random),
    bias: uniform(outFeatures, 0.1, random),
  }));
}

export function rowsOf(count, features, seed) {
  return uniform(count * features, 1, randomOf(seed));
}

/** Products [rows, k] × [k, columns] with bias, requantization and ReLU, and the share of the instruction peak to reach, in %. */
export const PRODUCTS = [
  { shape: '1x784x128', goal: 36 },
  { shape: '1x784x512', goal: 40 },
  { shape: '1x1024x1024', goal: 29 },
  { shape: '1x4096x4096', goal: 22 },
  { shape: '8x1024x1024', goal: 93 },
  { shape: '16x512x512', goal: 94 },
  { shape: '32x256x128', goal: 91 },
  { shape: '64x784x512', goal: 96 },
  { shape: '128x1024x1024', goal: 96 },
  { shape: '1024x1024x1024', goal: 95 },
  { shape: '2048x2048x2048', goal: 96 },
  { shape: '7x123x77', goal: 70 },
  { shape: '33x1000x10', goal: 57 },
  { shape: '100x100x100', goal: 72 },
  { shape: '256x16x256', goal: 50 },
];
/** int4 weights × codes a row with its own scale, against the int8 product of the same shape, in turn. */
export const INT4_PRODUCTS = {
  groupSizes: [32, 64, 128],
  shapes: ['1x1024x1024', '1x2048x2048', '1x4096x4096', '1x8192x8192', '8x1024x1024', '128x1024x1024'],
};
/** What other kernels are asked for, of their own peaks; 'avxvnni-evex' stands for avxvnni where the CPU lacks it. */
export const OTHER_KERNELS = {
  kernels: ['avxvnni', 'avxvnni-evex', 'avx2'],
  shape: '128x1024x1024',
  goal: 90,
};
