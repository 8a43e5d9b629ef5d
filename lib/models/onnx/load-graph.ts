import { fileURLToPath } from 'node:url';
import type { ExternalData } from '../../formats/onnx';
import { RESERVED_METADATA } from '../encode';
import type { RuntimeOptions } from '../runtime-options';
import { checkNoActivation, type LoadedGraph, type LoadOptions, type Source } from '../source';
import { applyKey } from './apply-key';
import { importGraph } from './import';
import { onnxFormat } from './peer';
import { decodeRequantKey, REQUANT_KEY } from './requant-key';

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
  const graph = importGraph(model);
  const key = metadata[REQUANT_KEY];
  return {
    graph: key === undefined ? graph : applyKey(graph, decodeRequantKey(key)),
    metadata: Object.fromEntries(
      Object.entries(metadata).filter(([name]) => !RESERVED_METADATA.includes(name)),
    ),
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
