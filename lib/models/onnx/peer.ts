import type { RequantError } from '../../errors';
import type * as Onnx from '../../formats/onnx';
import * as peer from '../../peer';
import type * as Export from './export';

const PROTOBUF: peer.Peer = { name: '@bufbuild/protobuf', users: 'ONNX files' };

/** What reads and writes ONNX files. Errors: ERR_PEER where the package that it needs is not installed. */
export function onnxFormat(): Promise<typeof Onnx> {
  return peer.withPeer(PROTOBUF, () => import('../../formats/onnx/index.js'));
}

/** What makes ONNX files of models. Errors: ERR_PEER. */
export function onnxExport(): Promise<typeof Export> {
  return peer.withPeer(PROTOBUF, () => import('./export/index.js'));
}

/** Errors: only this one. */
export function missingPeer(cause: unknown): RequantError {
  return peer.missingPeer(PROTOBUF, cause);
}

/** By the package's name: another module that is missing is an error of ours. */
export function isMissing(cause: unknown): boolean {
  return peer.isMissing(PROTOBUF, cause);
}
