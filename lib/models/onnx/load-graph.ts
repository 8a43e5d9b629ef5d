import { fileURLToPath } from 'node:url';
import type { ExternalData } from '../../formats/onnx';
import type { RuntimeOptions } from '../runtime-options';
import { checkNoActivation, type LoadedGraph, type LoadOptions, type Source } from '../source';
import { importGraph } from './import';
import { onnxFormat } from './peer';

/**
 * The graph and metadata of an ONNX file. Tensors in other files are read by `externalData`, else from the folder of
 * the model's path. Errors: see `importOnnx`.
 */
export async function loadOnnxGraph(
  source: Source,
  bytes: Uint8Array,
  options: LoadOptions,
  runtime: RuntimeOptions,
  externalData?: ExternalData,
): Promise<LoadedGraph> {
  checkNoActivation(options);
  const { decodeModel, filesBeside } = await onnxFormat();
  const beside = source instanceof Uint8Array ? undefined : filesBeside(pathOf(source));
  const model = await decodeModel(bytes, externalData ?? beside);
  const { metadata, producer } = model;
  return {
    graph: importGraph(model),
    metadata: Object.fromEntries(Object.entries(metadata)),
    runtime,
    sha256: undefined,
    tensors: new Map(),
    bytes,
    producer,
  };
}

function pathOf(source: string | URL): string {
  return source instanceof URL ? fileURLToPath(source) : source;
}
