/** Float8 grids and weights ↔ the model file (docs/model-format.md). Errors: ERR_FORMAT. */
import { expected } from '../errors';
import { invalidCode } from '../fp8/codes';
import { formatName, isStorageFormat, STORAGE_FORMATS, type StorageFormat } from '../fp8/format';
import { denominatorBounds, type Fp8Grid, type Fp8Weights, formatOfGrid, gridInfo } from '../fp8/grid';
import { float8Tensor, type Tensor, tensor } from '../tensor';
import type { JsonReader } from './json-reader';
import type { TensorReader } from './tensor-reader';

type Shapes = readonly (readonly number[])[];
type AddTensor = (wish: string, tensor: Tensor) => string;

/** The `fp8` member of a value: { format, scale } or { mantissa, exponent, max }. */
export function decodeFp8Grid(reader: JsonReader, tensors: TensorReader): Fp8Grid {
  const grid = reader.object(['format', 'scale', 'mantissa', 'exponent', 'max']);
  const own = ['mantissa', 'exponent', 'max'] as const;
  if (!grid.format.isPresent) {
    if (grid.scale.isPresent) throw reader.fail('{ format, scale } or { mantissa, exponent, max }');
    return decodeOwnFormat(grid, [[1]], tensors);
  }
  if (own.some((key) => grid[key].isPresent))
    throw reader.fail('{ format, scale } or { mantissa, exponent, max }');
  const format = grid.format.word(STORAGE_FORMATS);
  return { format, scale: readDenominators(grid.scale, format, [[1]], tensors) };
}

function decodeOwnFormat(
  grid: Record<'mantissa' | 'exponent' | 'max', JsonReader>,
  shapes: Shapes,
  tensors: TensorReader,
): Fp8Grid {
  const mantissa = grid.mantissa.integer(0, 6);
  const exponent = grid.exponent.integer(1, 7 - mantissa);
  return { format: 'fp8', mantissa, exponent, max: readDenominators(grid.max, 'fp8', shapes, tensors) };
}

function readDenominators(
  reader: JsonReader,
  format: StorageFormat | 'fp8',
  shapes: Shapes,
  tensors: TensorReader,
): Float32Array {
  const { min, max } = denominatorBounds(format);
  const range =
    format === 'fp8' ? 'finite largest numbers of 2^-100 or more' : `scales in [2^-100, 2^${Math.log2(max)}]`;
  return tensors.readBetween(reader, shapes, { min, max, range });
}

export function decodeFp8Weights(
  reader: JsonReader,
  weight: Record<'tensor' | 'format' | 'scale' | 'zeroPoint' | 'groupSize' | 'fp8', JsonReader>,
  shape: readonly [outFeatures: number, inFeatures: number],
  tensors: TensorReader,
): Fp8Weights {
  const format = weight.format.word([...STORAGE_FORMATS, 'fp8']);
  const grid = decodeWeightGrid(reader, weight, format, [[1], [shape[0]]], tensors);
  const data = tensors.read(weight.tensor, format === 'fp8' ? 'uint8' : format, [shape]);
  const invalid = invalidCode(data, gridInfo(grid));
  if (invalid !== undefined)
    throw expected(
      'ERR_FORMAT',
      `tensor '${weight.tensor.string()}' to hold numbers of ${formatName(formatOfGrid(grid))}`,
      `0x${data[invalid]!.toString(16)} in byte ${invalid}`,
    );
  return { ...grid, data };
}

function decodeWeightGrid(
  reader: JsonReader,
  weight: Record<'scale' | 'zeroPoint' | 'groupSize' | 'fp8', JsonReader>,
  format: StorageFormat | 'fp8',
  shapes: Shapes,
  tensors: TensorReader,
): Fp8Grid {
  const other = format === 'fp8' ? 'scale' : 'fp8';
  const extra = (['zeroPoint', 'groupSize', other] as const).find((key) => weight[key].isPresent);
  if (extra !== undefined) throw reader.fail(`${format} weights without '${extra}'`);
  if (isStorageFormat(format))
    return { format, scale: readDenominators(weight.scale, format, shapes, tensors) };
  return decodeOwnFormat(weight.fp8.object(['mantissa', 'exponent', 'max']), shapes, tensors);
}

export function encodeFp8Grid(grid: Fp8Grid, name: string, add: AddTensor): object {
  if (grid.format !== 'fp8') return { format: grid.format, scale: add(`${name}_scale`, tensor(grid.scale)) };
  const { mantissa, exponent, max } = grid;
  return { mantissa, exponent, max: add(`${name}_max`, tensor(max)) };
}

export function encodeFp8Weights(
  weight: Fp8Weights,
  name: string,
  shape: readonly number[],
  add: AddTensor,
): object {
  const { format, data } = weight;
  const isOwn = format === 'fp8';
  const codes = add(name, isOwn ? tensor(data, shape) : float8Tensor(format, data, shape));
  const grid = encodeFp8Grid(weight, name, add);
  return isOwn ? { tensor: codes, format, fp8: grid } : { tensor: codes, ...grid };
}
