import { expected } from '../../errors';
import { modelOf } from '../load';
import type { MLP } from '../mlp';
import type { QuantizedMLP } from '../quantized-mlp';
import { type LoadOptions, readSource, type Source } from '../source';
import { loadOnnxGraph } from './load-graph';

/** Of `importOnnx`. */
export interface ImportOptions extends LoadOptions {
  /**
   * Gives the whole file that tensors of the model lie in, by its location in the model. By default files in the folder
   * of the model's path, or in folders inside of it, are read.
   */
  externalData?: (location: string) => Promise<Uint8Array>;
}

/**
 * The model of an ONNX file (operators of opset 7 to 24): one input [batch, features …] and one output. Operators between
 * that a model does not have become parts of those that it has: docs/onnx.md.
 *
 * Errors: ERR_UNSUPPORTED (names every node that cannot be imported), ERR_FORMAT, ERR_VERSION (opset), ERR_SHAPE,
 * ERR_LIMIT, ERR_MEMORY, ERR_IO, ERR_PEER (@bufbuild/protobuf is not installed), ERR_ARGUMENT (options; external data of a
 * model in bytes without `externalData`), and those of `externalData`.
 */
export async function importOnnx(source: Source, options: ImportOptions = {}): Promise<MLP | QuantizedMLP> {
  const { bytes, runtime } = await readSource(source, options, ['externalData']);
  const { externalData } = options;
  if (externalData !== undefined && typeof externalData !== 'function')
    throw expected('ERR_ARGUMENT', 'externalData to be a function', externalData);
  return modelOf(await loadOnnxGraph(source, bytes, options, runtime, externalData));
}
