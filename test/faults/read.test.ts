import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openNpy, readNpyLabels } from '../../lib/formats/npy';
import { calibrate, linear, load, MLP, type QuantizedMLP, quantize } from '../../lib/index';
import { expectSameBytes } from '../support/bytes';
import { expectRejection } from '../support/errors';

/** Files that are none, and files that change while they are read. */

// Between asking for a file's size and reading it, something may happen to the file.
const meanwhile = vi.hoisted((): { happens: (() => void) | undefined } => ({ happens: undefined }));
vi.mock('node:fs', async (original) => {
  const actual = await original<typeof import('node:fs')>();
  const fstatSync = (file: number) => {
    const stats = actual.fstatSync(file);
    meanwhile.happens?.();
    return stats;
  };
  return { ...actual, fstatSync };
});

const parent = mkdtempSync(path.join(tmpdir(), 'requant-read-'));
afterAll(() => rmSync(parent, { recursive: true }));

let model: QuantizedMLP;
let bytes: Uint8Array;
const row = Float32Array.of(0.5, -1, 2);
beforeAll(async () => {
  const float = new MLP([linear({ inFeatures: 3, outFeatures: 4 })]);
  model = quantize(float, await calibrate(float, new Float32Array(30).map(Math.sin)));
  bytes = model.toBytes();
});

let file: string;
beforeEach(() => {
  file = path.join(mkdtempSync(path.join(parent, 'case-')), 'model');
  meanwhile.happens = undefined;
});

async function expectModel(source: string): Promise<void> {
  using loaded = await load(source);
  expectSameBytes(loaded.runSync(row), model.runSync(row));
}

describe.runIf(process.platform !== 'win32')('what is no file', () => {
  it('a folder, a device, a link to nothing, a link in a ring: ERR_IO', async () => {
    symlinkSync(file, `${file}.ring`);
    symlinkSync(`${file}.ring`, file);
    symlinkSync(`${file}.none`, `${file}.link`);
    for (const source of [path.dirname(file), file, `${file}.link`, '/dev/zero', '/dev/full']) {
      await expectRejection(load(source), 'ERR_IO');
      await expectRejection(readNpyLabels(source), 'ERR_IO');
      // Of a device its first bytes are looked at.
      await expectRejection(openNpy(source), source.startsWith('/dev') ? 'ERR_FORMAT' : 'ERR_IO');
    }
  });

  it('a pipe without a writer is an empty file, at once', async () => {
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    await expectRejection(load(file), 'ERR_FORMAT');
    await expectRejection(readNpyLabels(file), 'ERR_FORMAT');
    await expectRejection(openNpy(file), 'ERR_IO');
  });

  it('a pipe is read until its writer ends, however slowly that writes', async () => {
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    writeFileSync(`${file}.whole`, bytes);
    // Both ends are open before anything is written.
    const script =
      'exec 3<>"$1"; echo; sleep 0.1; head -c 100 "$1.whole" >&3; sleep 0.1; tail -c +101 "$1.whole" >&3';
    const writer = spawn('sh', ['-c', script, 'sh', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    await expectModel(file);
  });

  it('a file without permission: ERR_IO', async () => {
    writeFileSync(file, bytes);
    chmodSync(file, 0o000);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) {
      chmodSync(parent, 0o755);
      chmodSync(path.dirname(file), 0o755);
      process.seteuid?.(65534);
    }
    try {
      await expectRejection(load(file), 'ERR_IO', /EACCES/);
      await expectRejection(openNpy(file), 'ERR_IO', /EACCES/);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

describe('a file that changes while it is read', () => {
  it.each([0, 7, 100])('cut to %i bytes: ERR_FORMAT', async (length) => {
    writeFileSync(file, bytes);
    meanwhile.happens = () => truncateSync(file, length);
    await expectRejection(load(file), 'ERR_FORMAT');
  });

  it('grown: as it was', async () => {
    writeFileSync(file, bytes);
    meanwhile.happens = () => writeFileSync(file, Buffer.concat([bytes, Buffer.alloc(99)]));
    await expectModel(file);
  });

  it('replaced by another: as it was', async () => {
    writeFileSync(file, bytes);
    meanwhile.happens = () => {
      rmSync(file);
      writeFileSync(file, 'nothing');
    };
    await expectModel(file);
  });

  it('cut short beforehand, anywhere: ERR_FORMAT', async () => {
    for (let length = 0; length < bytes.length; length += 13) {
      writeFileSync(file, bytes.subarray(0, length));
      await expectRejection(load(file), 'ERR_FORMAT');
    }
  });
});
