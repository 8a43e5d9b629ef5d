import { expected } from '../errors';
import { readFileBytes } from '../formats/atomic-write';
import { copyBytes } from '../formats/sizes';
import type { ElementwiseName } from '../layers/elementwise';
import type { Layer } from '../layers/layer';
import type { Tensor } from '../tensor';
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
  /** Of a file that says who wrote it, and is not our own. */
  readonly producer?: string;
}

/** The bytes and the options of the model to be, both checked. Errors: ERR_ARGUMENT, ERR_IO, ERR_MEMORY. */
export async function readSource(
  source: Source,
  options: LoadOptions,
  alsoKnown: readonly string[] = [],
): Promise<Pick<LoadedGraph, 'bytes' | 'runtime'>> {
  runtimeSettings(options, ['activation', ...alsoKnown]);
  const runtime = Object.fromEntries(
    RUNTIME_OPTION_KEYS.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])),
  );
  // A copy: a model's arrays are views of its file, and no one else's.
  const bytes = source instanceof Uint8Array ? copyBytes(source) : await readFileBytes(checkedPath(source));
  return { bytes, runtime };
}

/** Errors: ERR_ARGUMENT. */
export function checkNoActivation({ activation }: LoadOptions): void {
  if (activation !== undefined)
    throw expected('ERR_ARGUMENT', 'no activation for a file that states its own layers', activation);
}

function checkedPath(source: Source): string | URL {
  if (typeof source === 'string' || source instanceof URL) return source;
  throw expected('ERR_ARGUMENT', 'a path, a file URL or a Uint8Array', source);
}
