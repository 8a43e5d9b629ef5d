import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { kernels } from '../../../lib/kernels';

const dist = path.join(__dirname, '../../../dist');

/** Trains by both recipes in a process of its own; prints one hash over the models and their logits. */
const JOB = `
const { createHash } = require('node:crypto');
const { trainInteger } = require('${dist}/training.js');
const { kernels } = require('${dist}/kernels.js');
(async () => {
  const inputs = Uint8Array.from({ length: 300 * 70 }, (_, i) => ((i * 2654435761) % 1000) % 256);
  const targets = Uint8Array.from({ length: 300 }, (_, i) => (inputs[i * 70] > 128 ? 1 : inputs[i * 70 + 1] > 128 ? 2 : 0));
  const hash = createHash('sha256');
  /** The tensors of a file, without its header. */
  const tensors = (bytes) => bytes.subarray(8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)));
  for (const recipe of ['8-8-8-8', '2-8-8-8']) {
    const { model, history } = await trainInteger([70, 200, 33, 3], { inputs, targets }, { epochs: 4, batchSize: 32, seed: 2, recipe });
    hash.update(tensors(model.toBytes())).update(JSON.stringify(history)).update(model.runSync(Float32Array.from(inputs)));
  }
  console.log(JSON.stringify({ kernel: kernels().active, hash: hash.digest('hex') }));
})();`;

/** Only a new definition in docs/integer-training.md may change it. */
const PINNED = '55dcb09f4c601e319b87a8861e659362e40d15ef7f3c3fb89fa2ab7c0899628a';

describe('a seed', () => {
  it.each(kernels().available)('gives the same weights on %s, for any number of threads', (kernel) => {
    for (const threads of ['1', '2', '3']) {
      const env = { ...process.env, REQUANT_KERNEL: kernel, REQUANT_THREADS: threads };
      const text = execFileSync(process.execPath, ['-e', JOB], { env, encoding: 'utf8' });
      expect(JSON.parse(text)).toEqual({ kernel, hash: PINNED });
    }
  });
});
