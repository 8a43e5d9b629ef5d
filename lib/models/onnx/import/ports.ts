import { describe, expected, RequantError } from '../../../errors';
import type { OnnxValueInfo } from '../../../formats/onnx';
import { MAX_FEATURES } from '../../../layers/linear';
import { countOf } from './constants';

export interface OnnxPort {
  readonly name: string;
  /** Behind the batch; empty where that is not asked for. */
  readonly sizes: readonly number[];
  /** Rows, where the file fixes them. */
  readonly batch: number | undefined;
}

/** A model computes in float32 whatever floating-point type its values have in the file. */
const FLOAT_TYPES = ['float32', 'float64', 'float16', 'bfloat16'];
const MAX_RANK = 64;

/** The only input or output. Errors: ERR_UNSUPPORTED, ERR_SHAPE, ERR_LIMIT. */
export function port(what: 'input' | 'output', infos: readonly OnnxValueInfo[], withSizes = true): OnnxPort {
  const [info] = infos;
  if (info === undefined || infos.length > 1) {
    const names = infos.slice(0, 20).map(({ name }) => describe(name));
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected an ONNX model of one ${what} but received ${infos.length === 0 ? 'none' : `${infos.length}: ${names.join(', ')}`}`,
    );
  }
  const { name, type } = info;
  if (type !== undefined && !FLOAT_TYPES.includes(type.elementType))
    throw expected(
      'ERR_UNSUPPORTED',
      `${what} ${describe(name)} of floating-point numbers`,
      type.elementType,
    );
  return withSizes ? { name, ...sizesOf(name, type?.shape) } : { name, sizes: [], batch: undefined };
}

function sizesOf(name: string, shape: readonly (number | string | undefined)[] | undefined) {
  const [batch, ...sizes] = shape ?? [];
  const isKnown = sizes.length > 0 && sizes.every((size) => typeof size === 'number');
  if (!isKnown || sizes.length >= MAX_RANK)
    throw expected(
      'ERR_UNSUPPORTED',
      `input ${describe(name)} of shape [batch, features …] with sizes that are known`,
      shape === undefined ? shape : `[${shape.map((size) => size ?? '?').join(', ')}]`,
    );
  const features = countOf(sizes as readonly number[]) ?? Number.POSITIVE_INFINITY;
  if (features < 1) throw expected('ERR_SHAPE', `input ${describe(name)} of at least one feature`, features);
  if (features > MAX_FEATURES)
    throw expected('ERR_LIMIT', `at most ${MAX_FEATURES} features for input ${describe(name)}`, features);
  return { sizes: sizes as readonly number[], batch: typeof batch === 'number' ? batch : undefined };
}
