import { expected, RequantError } from '../errors';
import { readFileBytes } from '../formats/atomic-write';
import { readSafetensors, type SafetensorsFile } from '../formats/safetensors';
import { copyBytes } from '../formats/sizes';
import type { ElementwiseName } from '../layers/elementwise';
import type { Layer } from '../layers/layer';
import type { Tensor } from '../tensor';
import { decodeModel } from './decode';
import { FORMAT_NAME, RESERVED_METADATA } from './encode';
import type { Graph } from './graph';
import { RUNTIME_OPTION_KEYS, type RuntimeOptions, runtimeSettings } from './runtime-options';

/** A path, file URL or the bytes themselves. Content decides (safetensors or ONNX), not the extension. */
export type Source = string | URL | Uint8Array;

export interface LoadOptions extends RuntimeOptions {
  /**
   * Between the Linear layers of a safetensors file from elsewhere (pairs `<name>.weight` [out, in], `<name>.bias`,
   * natural order); required there, refused otherwise.
   */
  activation?: ElementwiseName | Layer;
}

export interface LoadedGraph {
  readonly graph: Graph;
  readonly metadata: Readonly<Record<string, string>>;
  readonly runtime: RuntimeOptions;
  readonly sha256: string | undefined;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The file, of which the graph's arrays are views. No one else has it. */
  readonly bytes: Uint8Array;
}

/** The graph and metadata of a model file, whichever kind. Errors: see `MLP.load`. */
export async function loadGraph(source: Source, options: LoadOptions = {}): Promise<LoadedGraph> {
  runtimeSettings(options, ['activation']);
  const { activation } = options;
  const runtime = Object.fromEntries(
    RUNTIME_OPTION_KEYS.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])),
  );
  // A copy: a model's arrays are views of its file, and no one else's.
  const bytes = source instanceof Uint8Array ? copyBytes(source) : await readFileBytes(checkedPath(source));
  const file = readFile(bytes);
  const own = file.metadata['format'] === FORMAT_NAME;
  const metadata = Object.fromEntries(
    Object.entries(file.metadata).filter(([key]) => !RESERVED_METADATA.includes(key)),
  );
  if (!own) {
    const { checkpointGraph } = await import('./checkpoint.js'); // which a served model does not need
    return {
      graph: checkpointGraph(file.tensors, activation),
      metadata,
      runtime,
      sha256: undefined,
      tensors: file.tensors,
      bytes,
    };
  }
  if (activation !== undefined)
    throw expected('ERR_ARGUMENT', 'no activation for a file that states its own layers', activation);
  const json = file.metadata['requant'];
  if (json === undefined)
    throw new RequantError(
      'ERR_FORMAT',
      "expected metadata 'requant' beside format 'requant' but received none",
    );
  return { ...decodeModel(json, file.tensors), metadata, runtime, tensors: file.tensors, bytes };
}

function checkedPath(source: Source): string | URL {
  if (typeof source === 'string' || source instanceof URL) return source;
  throw expected('ERR_ARGUMENT', 'a path, a file URL or a Uint8Array', source);
}

function readFile(bytes: Uint8Array): SafetensorsFile {
  // An ONNX file starts with its first field, ir_version (tag 0x08); safetensors has '{' after eight bytes of length.
  if (bytes[0] === 0x08 && bytes[8] !== 0x7b) {
    throw new RequantError(
      'ERR_UNSUPPORTED',
      'expected a safetensors file but received what looks like ONNX, which this version cannot read',
    );
  }
  return readSafetensors(bytes);
}
