import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readFileBytes, writeFileAtomically } from '../../lib/formats/atomic-write';
import { expectRejects } from './support';

// Faults of the disk: the next call of the named function fails.
const faults = vi.hoisted(() => new Set<string>());
vi.mock('../../lib/builtins', async (original) => {
  const builtins = await original<typeof import('../../lib/builtins')>();
  const actual = builtins.fsPromises();
  const fail = (name: string) => {
    if (faults.delete(name)) throw Object.assign(new Error(`EIO: ${name}`), { code: 'EIO' });
  };
  const faulty = {
    ...actual,
    rename: async (from: string, to: string) => {
      fail('rename');
      return actual.rename(from, to);
    },
    open: async (path: string, flags: string) => {
      fail('open');
      const handle = await actual.open(path, flags);
      const { writeFile: write, sync } = handle;
      handle.writeFile = async (bytes) => {
        await write.call(handle, bytes);
        fail('write');
      };
      handle.sync = async () => {
        fail('sync');
        await sync.call(handle);
      };
      return handle;
    },
  };
  return { ...builtins, fsPromises: () => faulty };
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'requant-'));
});
afterEach(async () => {
  faults.clear();
  await rm(folder, { recursive: true });
});

describe('writeFileAtomically', () => {
  it('creates and replaces a file, by path or URL', async () => {
    const path = join(folder, 'a.bin');
    await writeFileAtomically(path, Uint8Array.of(1, 2, 3));
    expect([...(await readFileBytes(path))]).toEqual([1, 2, 3]);
    await writeFileAtomically(pathToFileURL(path), Uint8Array.of(4));
    expect([...(await readFileBytes(pathToFileURL(path)))]).toEqual([4]);
    expect(await readdir(folder)).toEqual(['a.bin']);
  });

  it('writes a view only, and nothing', async () => {
    const path = join(folder, 'a.bin');
    await writeFileAtomically(path, Uint8Array.of(1, 2, 3, 4).subarray(1, 3));
    expect([...(await readFile(path))]).toEqual([2, 3]);
    await writeFileAtomically(path, new Uint8Array(0));
    expect(await readFile(path)).toHaveLength(0);
  });

  it.each(['open', 'write', 'sync', 'rename'])('keeps the old file when %s fails', async (fault) => {
    const path = join(folder, 'a.bin');
    await writeFile(path, 'old');
    faults.add(fault);
    const error = await expectRejects('ERR_IO', writeFileAtomically(path, Uint8Array.of(1)));
    expect(error.cause).toMatchObject({ code: 'EIO' });
    expect(faults.size).toBe(0);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['a.bin']);
  });

  it('refuses a missing folder and a folder as target', async () => {
    const missing = await expectRejects(
      'ERR_IO',
      writeFileAtomically(join(folder, 'no', 'a'), new Uint8Array(1)),
    );
    expect(missing.cause).toMatchObject({ code: 'ENOENT' });
    await mkdir(join(folder, 'sub'));
    await expectRejects('ERR_IO', writeFileAtomically(join(folder, 'sub'), new Uint8Array(1)));
    expect(await readdir(folder)).toEqual(['sub']);
  });

  it('leaves one whole file when many write at once', async () => {
    const path = join(folder, 'a.bin');
    const contents = Array.from({ length: 20 }, (_, i) => new Uint8Array(50_000).fill(i));
    await Promise.all(contents.map((bytes) => writeFileAtomically(path, bytes)));
    const bytes = await readFileBytes(path);
    expect(bytes).toEqual(contents[bytes[0] ?? 0]);
    expect(await readdir(folder)).toEqual(['a.bin']);
  });
});

describe('readFileBytes', () => {
  it('gives a plain Uint8Array', async () => {
    await writeFile(join(folder, 'a'), 'abc');
    const bytes = await readFileBytes(join(folder, 'a'));
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  });

  it.each([0, 1, 5000, 2 ** 22, 2 ** 22 + 1, 5_000_001])(
    '%i bytes, in memory of their own',
    async (length) => {
      const written = Uint8Array.from({ length }, (_, i) => i * 7);
      await writeFile(join(folder, 'a'), written);
      const bytes = await readFileBytes(join(folder, 'a'));
      expect(Buffer.compare(bytes, written)).toBe(0);
      expect(bytes.buffer.byteLength).toBe(length);
    },
  );

  it('reports a missing file with its cause', async () => {
    const error = await expectRejects('ERR_IO', readFileBytes(join(folder, 'none')));
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
    expect(error.message).toContain('none');
  });

  it.each(['https://example.com/a', 'data:,abc', 'file://host/a', 'file:///a%2Fb'])(
    'refuses %s',
    async (url) => {
      await expectRejects('ERR_ARGUMENT', readFileBytes(new URL(url)));
      await expectRejects('ERR_ARGUMENT', writeFileAtomically(new URL(url), new Uint8Array(1)));
    },
  );
});
