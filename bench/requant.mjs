// The one place that knows where the build is: bench/ is a package of its own, so 'requant' does not name the root here.
import { existsSync } from 'node:fs';

const dist = new URL('../dist/', import.meta.url);
if (!existsSync(dist)) {
  console.error('expected a build but found none: run npm run build');
  process.exit(1);
}
const load = (name) => import(new URL(name, dist));

export const { calibrate, linear, MLP, quantize, relu } = await load('index.mjs');
export const { MicroBatcher } = await load('serving.mjs');
export const { kernels, quantizeLinear } = await load('kernels.mjs');
export const { version } = await load('version.js');
export const { thisSystem } = await load('cli/system.js');
export const { takeTurns } = await load('timing/turns.js');
export const { quantile, ratioSpread, sorted } = await load('timing/statistics.js');
/** The addon itself, for measurements that are no part of the API. */
export const { native } = await load('runtime/native.js');

/** Not at the top: it needs @bufbuild/protobuf, which plain runs do without. */
export const onnxWriter = () => load('formats/onnx/index.js');
export const onnxExport = () => load('models/onnx/export/index.js');
