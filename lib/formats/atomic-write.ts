import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expected, RequantError } from '../errors';

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
  const temporary = `${target}.${randomBytes(8).toString('hex')}.tmp`;
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

/**
 * The whole file.
 * @throws {RequantError} ERR_IO with its cause, ERR_ARGUMENT for a URL of no file.
 */
export async function readFileBytes(path: string | URL): Promise<Uint8Array> {
  const target = filePath(path);
  try {
    const { buffer, byteOffset, byteLength } = await readFile(target);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (cause) {
    throw ioError('read', target, cause);
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
