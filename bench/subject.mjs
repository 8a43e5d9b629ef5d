// One model in every form that requant knows, with rows to run: what each peer is built from.
import { layersOf, macsOf, rowsOf } from './models.mjs';
import { calibrate, linear, MLP, quantize, quantizeLinear, relu } from './requant.mjs';

/** The rows of every batch, one after the other: a smaller batch is the start of a larger one. */
const INPUT_SEED = 2;
const MIN_CALIBRATION_ROWS = 256;

export async function makeSubject({ name, widths, batches }, threads) {
  const layers = layersOf(widths);
  const last = layers.length - 1;
  const float = new MLP(
    layers.flatMap((layer, i) => (i < last ? [linear(layer), relu()] : [linear(layer)])),
    { threads },
  );
  // On the measured rows themselves, nothing clipped: so int8 differs from float32 by rounding alone.
  const calibrationRows = rowsOf(Math.max(...batches, MIN_CALIBRATION_ROWS), widths[0], INPUT_SEED);
  const ranges = await calibrate(float, calibrationRows, { method: 'minmax' });
  const outputs = float.runSync(calibrationRows);
  const int8 = quantize(float, ranges, { threads });
  const codes = quantize(float, ranges, { threads, output: 'uint8' });
  return {
    name,
    widths,
    threads,
    layers,
    float,
    int8,
    codes,
    macs: macsOf(widths),
    /** Largest magnitude of an output: what errors are measured by, since one row's outputs may all be near 0. */
    outputRange: outputs.reduce((largest, y) => Math.max(largest, Math.abs(y)), 0),
  };
}

/** Input of one batch, and the same rows as codes. */
export function makeInput({ widths, codes }, batch) {
  const rows = rowsOf(batch, widths[0], INPUT_SEED);
  const { scale, zeroPoint, dtype } = codes.input;
  return { batch, rows, codes: quantizeLinear(rows, scale[0], zeroPoint, dtype) };
}

/** Codes of a port as reals. */
export function dequantized(data, { scale, zeroPoint }) {
  return Float32Array.from(data, (code) => (code - zeroPoint) * scale[0]);
}

export const newCodes = (length, dtype) =>
  dtype === 'uint8' ? new Uint8Array(length) : new Int8Array(length);
