import path from 'node:path';
import { fsPromises } from '../../builtins';
import { expected } from '../../errors';
import { ioError, readFileBytes } from '../atomic-write';

/** The whole file that tensors of a model lie in, by its location in the model: a path with '/' between names. */
export type ExternalData = (location: string) => Promise<Uint8Array>;

/**
 * Files in the folder of the model at `modelPath`, or in folders inside of it.
 *
 * Errors: ERR_FORMAT (a location that leads out of the folder, by its name or by a link), ERR_IO, ERR_MEMORY.
 */
export function filesBeside(modelPath: string): ExternalData {
  return async (location) => {
    checkLocation(location);
    const { realpath } = fsPromises();
    const target = path.resolve(path.dirname(modelPath), location);
    let file: string;
    let folder: string;
    try {
      [folder, file] = await Promise.all([realpath(path.dirname(modelPath)), realpath(target)]);
    } catch (cause) {
      throw ioError('read', target, cause);
    }
    const inside = path.relative(folder, file);
    if (inside === '' || inside.split(path.sep)[0] === '..' || path.isAbsolute(inside))
      throw outside(location);
    return readFileBytes(file);
  };
}

function checkLocation(location: string): void {
  // Backslashes, drives and streams of Windows are no part of a location anywhere.
  const isPlain = !/[\\:\0]/.test(location) && !location.startsWith('/');
  if (!isPlain || location.split('/').includes('..')) throw outside(location);
}

function outside(location: string) {
  return expected('ERR_FORMAT', "external data inside of the model's folder", location);
}
