import path from 'node:path';
import { readFileBytes } from '../formats/atomic-write';
import { readSafetensors } from '../formats/safetensors';
import type { ElementwiseName } from '../layers/elementwise';
import { FORMAT_NAME } from '../models/encode';
import { load } from '../models/load';
import { isOnnx, type LoadOptions, type Source } from '../models/load-graph';
import type { MLP } from '../models/mlp';
import type { QuantizedMLP } from '../models/quantized-mlp';
import { UsageError } from './outcome';

/**
 * `--activation` as options of `load`, one a file: it is for those that lack their layers, as checkpoints from
 * elsewhere do, and at least one must.
 */
export function loadOptions(
  files: readonly Uint8Array[],
  activation: ElementwiseName | undefined,
): LoadOptions[] {
  if (activation === undefined) return files.map(() => ({}));
  const lacking = files.map(
    (file) => !isOnnx(file) && readSafetensors(file).metadata['format'] !== FORMAT_NAME,
  );
  if (!lacking.includes(true))
    throw new UsageError(
      `expected no --activation for a file that states its layers but received ${activation}`,
    );
  return lacking.map((lacks) => (lacks ? { activation } : {}));
}

/** What to load of a file that has been read: an ONNX model's tensors may lie in files beside it. */
export function sourceOf(path: string, file: Uint8Array): Source {
  return isOnnx(file) ? path : file;
}

/** Models of one command line. */
export async function loadModels(
  paths: readonly string[],
  activation: ElementwiseName | undefined,
): Promise<(MLP | QuantizedMLP)[]> {
  const files = await Promise.all(paths.map((path) => readFileBytes(path)));
  const options = loadOptions(files, activation);
  return Promise.all(files.map((file, i) => load(sourceOf(paths[i]!, file), options[i])));
}

/** Refuses to write over a file that the command reads. */
export function checkOutputPath(output: string, inputs: readonly (string | undefined)[]): void {
  const clash = inputs.find((input) => input !== undefined && path.resolve(input) === path.resolve(output));
  if (clash !== undefined)
    throw new UsageError(`expected an output file other than the input but received '${clash}'`);
}
