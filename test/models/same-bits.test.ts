import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { kernels } from '../../lib/kernels';

/**
 * sha256 of the outputs of 1,000 rows: the same on every CPU, for good. A change here breaks a promise to users; only a
 * new definition in docs/numerics.md may bring one. test/native/same_bits_test.cpp has the like for CPUs without Node.
 */
const PINNED = {
  float32: 'f839aba83118f780d9f4d8242f5da28ab8939d46b848110008dfabc092a847ae',
  static: '30297e39996299f10cdd659c20564dead059bee72f51c0ea6fd8701eb9effa34',
  'static int8': '429f27d10a5c96e3d4cb1657596d08c0cd0c0d321038b6399644fdeb986b9b01',
  dynamic: '69c5eb2ef6aa2f8470d05fb5e5e3dcfb148eadebbc000b3985c8b4b83f7160e4',
  'weight-only': '8e946b3fcecdb7b36aedd3f810f85e85943e7e96ffb36cbaba47cc4849a6dac1',
  'layer norm float32': 'db7fb7b1d610ae0ac9ec216af59fc482bd8d3e24575dea92298470da7c9728a4',
  'layer norm static': 'ce32b6c32b29ede225054559e771bb4b4c25ff02b5b74234774fbc795fa2d5b8',
  'zero blocks static': '9bf981bc114be1ed309b9331e8ab6f04c6a6f1f4e1c93a185684e368dcc45ed3',
  'zero blocks dynamic': 'ac094926a13ddd74924763bcf5c481220ca0fe65a13d2c36c864bc409e90a404',
};

interface Report {
  readonly active: string;
  readonly threads: number;
  /** By model, then by the way in which the rows were shared out. */
  readonly digests: readonly [name: string, ways: readonly [way: string, sha256: string][]][];
}

const CHILD = path.join(__dirname, '../support/same-bits-child.cjs');

function report(kernel: string): Report {
  const env = { ...process.env, REQUANT_KERNEL: kernel, REQUANT_THREADS: '3' };
  return JSON.parse(execFileSync(process.execPath, [CHILD], { env, encoding: 'utf8' })) as Report;
}

describe('the same bits, whatever the threads and the rows a call', () => {
  it.each(kernels().available)('%s', (kernel) => {
    const { active, threads, digests } = report(kernel);
    expect({ active, threads }).toEqual({ active: kernel, threads: 3 });
    expect(digests.map(([name]) => name)).toEqual(Object.keys(PINNED));
    for (const [name, ways] of digests) {
      expect(ways).toHaveLength(12);
      expect(ways).toEqual(ways.map(([way]) => [way, PINNED[name as keyof typeof PINNED]]));
    }
  });
});
