// Runs in a child process with REQUANT_KERNEL and REQUANT_THREADS set, through the built package: makes one fixed float
// model and what `quantize` makes of it, and runs 1,000 fixed rows. Prints { active, threads, digests } as JSON: by
// model, how the rows were shared out, and the sha256 of all outputs. No Math.*: only arithmetic that IEEE 754 defines.
const { createHash } = require('node:crypto');
const {
  calibrate,
  gelu,
  layerNorm,
  linear,
  MLP,
  quantize,
  relu,
  residual,
  tanh,
} = require('../../dist/index.js');
const { kernels } = require('../../dist/kernels.js');
const { Random } = require('../../dist/random.js');
const { native } = require('../../dist/runtime/native.js');

const ROWS = 1000;
const WIDTHS = [40, 256, 192, 33, 11];
const THREADS = [1, 2, 3];
const ROWS_A_CALL = [ROWS, 1, 7, 128];

const random = new Random(20_26);
/** Multiples of 2^-23 times a power of two: nothing is rounded. */
const uniform = (length, limit) => Float32Array.from({ length }, () => (2 * random.uniform() - 1) * limit);

const activations = [relu(), gelu(), tanh()];
const layers = WIDTHS.slice(1).flatMap((outFeatures, i) => {
  const inFeatures = WIDTHS[i];
  const weight = uniform(outFeatures * inFeatures, 2 ** -2);
  const layer = linear({ inFeatures, outFeatures, weight, bias: uniform(outFeatures, 2 ** -3) });
  return i < activations.length ? [layer, activations[i]] : [layer];
});
const rows = uniform(ROWS * WIDTHS[0], 2);

/** Layer norm of the input, behind a layer with a clamp after it, of codes, and at the end. */
const norm = (features) =>
  layerNorm({ features, weight: uniform(features, 2), bias: uniform(features, 2 ** -1) });
const square = () => linear({ inFeatures: 40, outFeatures: 40, weight: uniform(1600, 2 ** -2), bias: false });
const normLayers = [norm(40), square(), norm(40), relu(), residual([norm(40), square()]), square(), norm(40)];

/** Three of four blocks of four outputs × one input are 0: packed without them where the kernel can. */
const sparse = (inFeatures, outFeatures) => {
  const weight = uniform(outFeatures * inFeatures, 2 ** -2);
  for (let first = 0; first < outFeatures; first += 4)
    for (let k = 0; k < inFeatures; k++)
      if (random.next() % 4 !== 0)
        for (let n = first; n < first + 4 && n < outFeatures; n++) weight[n * inFeatures + k] = 0;
  return linear({ inFeatures, outFeatures, weight, bias: uniform(outFeatures, 2 ** -3) });
};
const sparseLayers = [layers[0], relu(), sparse(256, 190), tanh(), sparse(190, 33), gelu(), sparse(33, 11)];

const FORMS = {
  float32: (_float, _ranges, options) => new MLP(layers, options),
  static: (float, ranges, options) => quantize(float, ranges, options),
  'static int8': (float, ranges, options) => quantize(float, ranges, { ...options, output: 'int8' }),
  dynamic: (float, _ranges, options) => quantize(float, null, { ...options, mode: 'dynamic' }),
  'weight-only': (float, _ranges, options) => quantize(float, null, { ...options, mode: 'weight-only' }),
};
const NORM_FORMS = {
  'layer norm float32': (_float, _ranges, options) => new MLP(normLayers, options),
  'layer norm static': (float, ranges, options) => quantize(float, ranges, options),
};

const SPARSE_FORMS = {
  'zero blocks static': FORMS.static,
  'zero blocks dynamic': FORMS.dynamic,
};

function digest(model, rowsACall) {
  const { inFeatures, outFeatures } = model;
  const codes = model.output.dtype === 'int8';
  const hash = createHash('sha256');
  for (let row = 0; row < ROWS; row += rowsACall) {
    const end = Math.min(row + rowsACall, ROWS);
    const length = (end - row) * outFeatures;
    const output = codes ? new Int8Array(length) : new Float32Array(length);
    hash.update(model.runSync(rows.subarray(row * inFeatures, end * inFeatures), output));
  }
  return hash.digest('hex');
}

async function digestsOf(forms, floatLayers) {
  const float = new MLP(floatLayers);
  const ranges = await calibrate(float, rows, { method: 'minmax' });
  return Object.entries(forms).map(([name, make]) => [
    name,
    THREADS.flatMap((threads) => {
      const model = make(float, ranges, { threads });
      return ROWS_A_CALL.map((rowsACall) => [
        `${threads} threads, ${rowsACall} rows a call`,
        digest(model, rowsACall),
      ]);
    }),
  ]);
}

async function main() {
  const digests = [
    ...(await digestsOf(FORMS, layers)),
    ...(await digestsOf(NORM_FORMS, normLayers)),
    ...(await digestsOf(SPARSE_FORMS, sparseLayers)),
  ];
  const { threads } = native().poolInfo();
  console.log(JSON.stringify({ active: kernels().active, threads, digests }));
}

main();
