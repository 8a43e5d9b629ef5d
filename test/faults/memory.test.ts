import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { linear, MLP } from '../../lib/index';
import { expectError, expectRejection } from '../support/errors';

describe('a system that has no more memory', () => {
  it.runIf(process.platform === 'linux')('is ERR_MEMORY, and the process goes on serving', () => {
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(__dirname, 'memory-child.cjs')],
      { encoding: 'utf8' },
    );
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    expect(stdout.trim().split('\n')).toEqual([
      'runSync: RequantError ERR_MEMORY, then the same bits',
      'run: RequantError ERR_MEMORY, then the same bits',
      'runs at once: RequantError ERR_MEMORY, then the same bits',
      'observe: RequantError ERR_MEMORY, then the same bits',
      'load: RequantError ERR_MEMORY, then the same bits',
      'run, large input: RequantError ERR_MEMORY, then the same bits',
      'dequantizeLinear: RequantError ERR_MEMORY, then the same bits',
      'dynamicQuantizeLinear: RequantError ERR_MEMORY, then the same bits',
    ]);
  });
});

describe('rows that no array could hold', () => {
  const wide = new MLP([linear({ inFeatures: 1, outFeatures: 2 ** 20 })]);
  const rows = new Float32Array(2 ** 20); // 4 TiB of output

  it('are ERR_MEMORY', async () => {
    expectError(() => wide.runSync(rows), 'ERR_MEMORY');
    expectError(() => wide.observe(rows, () => {}), 'ERR_MEMORY');
    await expectRejection(wide.run(rows), 'ERR_MEMORY');
    expect(wide.runSync(Float32Array.of(0))).toHaveLength(2 ** 20);
  });
});
