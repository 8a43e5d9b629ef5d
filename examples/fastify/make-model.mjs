// node make-model.mjs FILE [WIDTHS] [SEED]: an int8 model with random weights, to try the service with.
import { pathToFileURL } from 'node:url';
import { calibrate, linear, MLP, quantize, relu } from 'requant';

const CALIBRATION_ROWS = 256;

/** Linear layers of these widths, ReLU between; calibrated on random rows. */
export async function makeModel(widths, seed) {
  const layers = widths.slice(1).flatMap((outFeatures, i) => {
    const layer = linear({ inFeatures: widths[i], outFeatures });
    return i < widths.length - 2 ? [layer, relu()] : [layer];
  });
  const float = new MLP(layers, { seed });
  const rows = randomRows(CALIBRATION_ROWS, widths[0]);
  return quantize(float, await calibrate(float, rows, { method: 'minmax' }));
}

/** The same in every run, in [−1, 1). */
export function randomRows(count, features) {
  let state = 1;
  return Float32Array.from({ length: count * features }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , file, widths = '64-256-256-10', seed = '1'] = process.argv;
  if (file === undefined) {
    console.error('node make-model.mjs FILE [WIDTHS, default 64-256-256-10] [SEED]');
    process.exit(2);
  }
  const model = await makeModel(widths.split('-').map(Number), Number(seed));
  await model.save(file);
  console.log(`${file}: ${widths}, ${model.toBytes().length} bytes`);
}
