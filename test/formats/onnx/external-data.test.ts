import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesBeside } from '../../../lib/formats/onnx';
import { expectRejection } from '../../support/errors';

describe('filesBeside', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'requant-external-'));
    await mkdir(path.join(folder, 'model', 'parts'), { recursive: true });
    await writeFile(path.join(folder, 'secret.bin'), 'secret');
    await writeFile(path.join(folder, 'model', 'w.bin'), 'one');
    await writeFile(path.join(folder, 'model', 'parts', 'w.bin'), 'two');
    await symlink(path.join(folder, 'secret.bin'), path.join(folder, 'model', 'link.bin'));
    await symlink(folder, path.join(folder, 'model', 'up'));
    await symlink('w.bin', path.join(folder, 'model', 'inside.bin'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const read = (location: string) => filesBeside(path.join(folder, 'model', 'm.onnx'))(location);

  it('reads files of the folder, and of folders inside of it', async () => {
    for (const [location, text] of [
      ['w.bin', 'one'],
      ['./parts/w.bin', 'two'],
      ['inside.bin', 'one'],
    ] as const)
      expect(Buffer.from(await read(location)).toString()).toBe(text);
  });

  it.each([
    '../secret.bin',
    'parts/../../secret.bin',
    '/etc/hostname',
    'link.bin',
    'up/secret.bin',
    '.',
    '..\\secret.bin',
    'c:secret',
    'w.bin\0',
  ])('%j leads out: ERR_FORMAT', async (location) => {
    await expectRejection(read(location), 'ERR_FORMAT', /inside of the model's folder/);
  });

  it('what is not there is ERR_IO', async () => {
    await expectRejection(read('missing.bin'), 'ERR_IO', /missing/);
    await expectRejection(read('parts'), 'ERR_IO');
  });
});
