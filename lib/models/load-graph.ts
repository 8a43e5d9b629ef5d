import { RequantError } from '../errors';
import { readSafetensors } from '../formats/safetensors';
import { decodeModel } from './decode';
import { FORMAT_NAME, RESERVED_METADATA } from './encode';
import { checkNoActivation, type LoadedGraph, type LoadOptions, readSource, type Source } from './source';

export type { LoadedGraph, LoadOptions, Source };

/** The graph and metadata of a model file, whichever kind. Errors: see `MLP.load`. */
export async function loadGraph(source: Source, options: LoadOptions = {}): Promise<LoadedGraph> {
  const { bytes, runtime } = await readSource(source, options);
  if (isOnnx(bytes)) {
    const { loadOnnxGraph } = await import('./onnx/load-graph.js'); // which a served model does not need
    return loadOnnxGraph(source, bytes, options, runtime);
  }
  const { activation } = options;
  const file = readSafetensors(bytes);
  const own = file.metadata['format'] === FORMAT_NAME;
  const metadata = Object.fromEntries(
    Object.entries(file.metadata).filter(([key]) => !RESERVED_METADATA.includes(key)),
  );
  if (!own) {
    const { checkpointGraph } = await import('./checkpoint.js'); // nor this
    return {
      graph: checkpointGraph(file.tensors, activation),
      metadata,
      runtime,
      sha256: undefined,
      tensors: file.tensors,
      bytes,
    };
  }
  checkNoActivation(options);
  const json = file.metadata['requant'];
  if (json === undefined)
    throw new RequantError(
      'ERR_FORMAT',
      "expected metadata 'requant' beside format 'requant' but received none",
    );
  return { ...decodeModel(json, file.tensors), metadata, runtime, tensors: file.tensors, bytes };
}

/** Of an ONNX file the first field is ir_version (tag 0x08); safetensors has '{' after eight bytes of length. */
export function isOnnx(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes[8] !== 0x7b;
}
