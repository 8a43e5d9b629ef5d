import { RequantError } from './errors';

/** A package that the user installs where it is wanted: an optional peer dependency. */
export interface Peer {
  readonly name: string;
  /** What needs it, in the plural: 'ONNX files'. */
  readonly users: string;
}

/** Errors: ERR_PEER where the package that `load` needs is not installed; those of `load`. */
export async function withPeer<T>(peer: Peer, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw isMissing(peer, cause) ? missingPeer(peer, cause) : cause;
  }
}

/** Errors: only this one. */
export function missingPeer({ name, users }: Peer, cause: unknown): RequantError {
  return new RequantError(
    'ERR_PEER',
    `expected the package ${name}, which ${users} need, but received none; install it with: npm install ${name}`,
    { cause },
  );
}

/** By the package's name: another module that is missing is an error of ours. */
export function isMissing({ name }: Peer, cause: unknown): boolean {
  const { code, message } = cause as NodeJS.ErrnoException;
  const isAbsent = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
  return isAbsent && message.includes(name);
}
