import { closeSync, openSync, read, readFileSync, readSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { crypto, fsPromises } from '../builtins';
import { expected, RequantError } from '../errors';
import { allocateBytes } from './sizes';

/**
 * Replaces the file in one step: readers and crashes see the old content or the new, never a part. Where `bytes`
 * come in pieces, an error of their source is thrown as it is (a RequantError) and nothing is written.
 * @throws {RequantError} ERR_IO with its cause (the old file is as it was), ERR_ARGUMENT for a URL of no file.
 */
export async function writeFileAtomically(
  path: string | URL,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  const target = filePath(path);
  // In the same folder: a rename is atomic only within a file system.
  const { open, rename, rm } = fsPromises();
  const temporary = `${target}.${crypto().randomBytes(8).toString('hex')}.tmp`;
  let created = false;
  try {
    const handle = await open(temporary, 'wx');
    created = true;
    try {
      // Each piece from where the last one ended.
      for await (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    // The first failure is the one to report; what cannot be removed stays under its .tmp name.
    if (created) await rm(temporary, { force: true }).catch(() => {});
    throw cause instanceof RequantError ? cause : ioError('write', target, cause);
  }
}

/** Smaller files are read in place: Node's thread pool costs a start more, and what follows (packing) takes longer. */
const READ_IN_PLACE = 2 ** 22;
/** A single read cannot be longer than 2 GiB. */
const MAX_READ = 2 ** 30;

/**
 * The whole file, in memory of its own.
 * @throws {RequantError} ERR_IO with its cause, ERR_ARGUMENT for a URL of no file, ERR_MEMORY.
 */
export async function readFileBytes(path: string | URL): Promise<Uint8Array> {
  const target = filePath(path);
  try {
    const { size } = statSync(target);
    // What has no size (a pipe) is read to its end; a copy, since a small Buffer shares its memory with others.
    return size === 0 ? new Uint8Array(readFileSync(target)) : await readBytes(target, size);
  } catch (cause) {
    throw cause instanceof RequantError ? cause : ioError('read', target, cause);
  }
}

/** Into one array: `readFile` would join pieces, or leave a second one to be collected. */
async function readBytes(path: string, size: number): Promise<Uint8Array> {
  const bytes = allocateBytes(size);
  const file = openSync(path, 'r');
  try {
    let at = 0;
    while (at < size) {
      const length = Math.min(size - at, MAX_READ);
      const count =
        size <= READ_IN_PLACE
          ? readSync(file, bytes, at, length, null)
          : (await promisify(read)(file, bytes, at, length, null)).bytesRead;
      if (count === 0) return bytes.slice(0, at); // it has become shorter
      at += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

export function ioError(action: 'open' | 'read' | 'write', path: string, cause: unknown): RequantError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RequantError('ERR_IO', `cannot ${action} '${path}': ${reason}`, { cause });
}

function filePath(path: string | URL): string {
  if (typeof path === 'string') return path;
  try {
    return fileURLToPath(path);
  } catch (cause) {
    const received = path instanceof URL ? path.href : path;
    throw expected('ERR_ARGUMENT', 'a path or a file: URL', received, { cause });
  }
}
