import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { linear, MLP } from '../../lib/index';
import type { LinearLayer } from '../../lib/layers/linear';
import { expectRejection } from '../support/errors';

const CHILD = path.join(__dirname, 'save-child.cjs');
const ROUNDS = 15;
const onUnix = process.platform !== 'win32';

const parent = mkdtempSync(path.join(tmpdir(), 'requant-save-'));
afterAll(() => rmSync(parent, { recursive: true }));

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(parent, 'case-'));
  file = path.join(folder, 'model.safetensors');
});

/** The one value of all weights of the file's model. */
async function savedValue(saved: string): Promise<number> {
  const { layers } = await MLP.load(saved);
  const values = new Set((layers[0] as LinearLayer).weight!);
  expect(values.size).toBe(1);
  return [...values][0]!;
}

describe('a process killed while it saves', () => {
  it(`leaves a whole model, the old one or the new one, ${ROUNDS} times`, async () => {
    const found = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, [CHILD, 'loop', file], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      // No multiple of how long a save takes: each round stops elsewhere.
      await setTimeout(3 + 7.3 * round);
      child.kill('SIGKILL');
      await once(child, 'exit');
      found.add(await savedValue(file));
    }
    expect([...found].every((value) => value === 1 || value === 2)).toBe(true);
    // What the killed ones were writing, under names that nobody loads.
    for (const name of readdirSync(folder)) {
      expect(name).toMatch(/^model\.safetensors(\.[0-9a-f]{16}\.tmp)?$/);
    }
  });
});

describe.runIf(onUnix)('a disk that takes no more', () => {
  it('is ERR_IO; the old file stays, and nothing beside it', async () => {
    await new MLP([linear({ inFeatures: 2, outFeatures: 2, weight: new Float32Array(4).fill(9) })]).save(
      file,
    );
    // 64 KiB a file at most: the write fails after its first part (EFBIG).
    const { stdout } = spawnSync(
      'sh',
      ['-c', 'ulimit -f 128; exec "$0" "$@"', process.execPath, CHILD, 'once', file],
      { encoding: 'utf8' },
    );
    expect(stdout.trim()).toBe('RequantError ERR_IO EFBIG; model.safetensors');
    expect(await savedValue(file)).toBe(9);
  });
});

describe.runIf(onUnix)('a save to what is no file', () => {
  it('is ERR_IO and replaces nothing', async () => {
    const pipe = path.join(folder, 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    const model = new MLP([linear({ inFeatures: 1, outFeatures: 1 })]);
    await expectRejection(model.save(pipe), 'ERR_IO', /pipe/);
    await expectRejection(model.save('/dev/null'), 'ERR_IO', /device/);
    await expectRejection(model.save(folder), 'ERR_IO');
    expect(readdirSync(folder)).toEqual(['pipe']);
    expect(existsSync('/dev/null')).toBe(true);
  });
});
