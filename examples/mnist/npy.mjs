// MNIST as .npy files, and a config for `requant train` beside them:
//   node examples/mnist/npy.mjs build/mnist && npx requant train build/mnist/mnist.json
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { mnist, PIXELS } from './mnist.mjs';

/** An array of bytes in NumPy's format 1.0: magic, version, length of the header, the header, the data. */
export function npyOfBytes(bytes, shape) {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const prefix = 10;
  const padded = `${text.padEnd(Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix - 1)}\n`;
  const head = Buffer.from(`\x93NUMPY\x01\x00..${padded}`, 'latin1');
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, bytes]);
}

function main(folder) {
  mkdirSync(folder, { recursive: true });
  for (const split of ['train', 't10k']) {
    const { inputs, targets } = mnist(split);
    const pixels = Uint8Array.from(inputs, (value) => Math.round(value * 255));
    writeFileSync(path.join(folder, `${split}-images.npy`), npyOfBytes(pixels, [targets.length, PIXELS]));
    writeFileSync(path.join(folder, `${split}-labels.npy`), npyOfBytes(targets, [targets.length]));
  }
  const config = {
    widths: [PIXELS, 100, 50, 10],
    inputs: 'train-images.npy',
    targets: 'train-labels.npy',
    scaleInput: 1 / 255,
    validation: { inputs: 't10k-images.npy', targets: 't10k-labels.npy' },
    epochs: 10,
    output: 'mnist.safetensors',
  };
  writeFileSync(path.join(folder, 'mnist.json'), `${JSON.stringify(config, null, 2)}\n`);
}

if (process.argv[2] === undefined) {
  process.stderr.write('expected a folder but received none\n');
  process.exitCode = 2;
} else {
  main(process.argv[2]);
}
