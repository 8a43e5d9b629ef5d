import { RequantError } from '../../errors';
import type * as Onnx from '../../formats/onnx';
import type * as Export from './export';

const PEER = '@bufbuild/protobuf';

/** What reads and writes ONNX files. Errors: ERR_PEER where the package that it needs is not installed. */
export function onnxFormat(): Promise<typeof Onnx> {
  return withPeer(() => import('../../formats/onnx/index.js'));
}

/** What makes ONNX files of models. Errors: ERR_PEER. */
export function onnxExport(): Promise<typeof Export> {
  return withPeer(() => import('./export/index.js'));
}

async function withPeer<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw isMissing(cause) ? missingPeer(cause) : cause;
  }
}

/** Errors: only this one. */
export function missingPeer(cause: unknown): RequantError {
  return new RequantError(
    'ERR_PEER',
    `expected the package ${PEER}, which ONNX files need, but received none; install it with: npm install ${PEER}`,
    { cause },
  );
}

/** By the package's name: another module that is missing is an error of ours. */
export function isMissing(cause: unknown): boolean {
  const { code, message } = cause as NodeJS.ErrnoException;
  const isAbsent = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
  return isAbsent && message.includes(PEER);
}
