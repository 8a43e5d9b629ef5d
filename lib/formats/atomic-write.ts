import { closeSync, constants, fstatSync, openSync, read, readFileSync, readSync, type Stats } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { crypto, fsPromises, timersPromises } from '../builtins';
import { expected, RequantError } from '../errors';
import { allocateBytes, copyBytes } from './sizes';

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
  const { open, rename, rm, stat } = fsPromises();
  const temporary = `${target}.${crypto().randomBytes(8).toString('hex')}.tmp`;
  let created = false;
  try {
    // A rename would put a file in the place of a device or a pipe.
    const present = await stat(target).catch(() => undefined);
    if (present !== undefined && !present.isFile()) throw notAFile(present);
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
/** Opening a pipe is not to wait for its writer: that would stop the event loop. (Windows has no such flag.) */
export const READ_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** Of what a pipe brings: a file says beforehand how long it is. */
export const MAX_PIPE_BYTES = 2 ** 30;
const PIPE_PIECE = 2 ** 16;
const PIPE_WAIT_MS = 5;

/**
 * The whole file, or what a pipe brings until its writers have closed it, in memory of its own.
 * @throws {RequantError} ERR_IO with its cause (also for devices and folders), ERR_ARGUMENT for a URL of no file,
 * ERR_LIMIT (a pipe), ERR_MEMORY.
 */
export async function readFileBytes(path: string | URL): Promise<Uint8Array> {
  const target = filePath(path);
  try {
    const file = openSync(target, READ_FLAGS);
    try {
      return await readOpen(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw cause instanceof RequantError ? cause : ioError('read', target, cause);
  }
}

async function readOpen(file: number): Promise<Uint8Array> {
  const stats = fstatSync(file); // of what is open: a path may be another file by now
  if (stats.isFIFO()) return readPipe(file);
  if (!stats.isFile()) throw notAFile(stats);
  // Files of the system (/proc) have no size; a copy, since a small Buffer shares its memory with others.
  return stats.size === 0 ? copyBytes(readFileSync(file)) : readBytes(file, stats.size);
}

/** Into one array: `readFile` would join pieces, or leave a second one to be collected. */
async function readBytes(file: number, size: number): Promise<Uint8Array> {
  const bytes = allocateBytes(size);
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
}

async function readPipe(file: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const piece = allocateBytes(PIPE_PIECE);
    const count = readReady(file, piece);
    if (count === 0) return copyBytes(Buffer.concat(pieces, length));
    if (count === undefined) {
      await timersPromises().setTimeout(PIPE_WAIT_MS);
      continue;
    }
    length += count;
    if (length > MAX_PIPE_BYTES)
      throw expected('ERR_LIMIT', `at most ${MAX_PIPE_BYTES} bytes`, 'a longer pipe');
    pieces.push(piece.subarray(0, count));
  }
}

/** Bytes that were there; 0 at the end, undefined where a writer has not written yet. */
function readReady(file: number, bytes: Uint8Array): number | undefined {
  try {
    return readSync(file, bytes, 0, bytes.length, null);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw cause;
  }
}

function notAFile(stats: Stats): Error {
  return new Error(
    `expected a file but received a ${stats.isDirectory() ? 'folder' : 'device, pipe or socket'}`,
  );
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
