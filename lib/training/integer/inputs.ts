import { expected } from '../../errors';
import type { CodesValue } from '../../models/graph';
import type { CheckedDataset } from '../dataset';
import { type IntegerRecipe, roundHalfEven } from './recipe';

/** How features become the bytes that integer training reads, once; and the same as the served model's input. */
export interface InputGrid {
  /** The input of the served model: its scale is 1 for bytes, which it takes as they are or as float32. */
  readonly value: CodesValue;
  /** Whether bytes stand for themselves less 128 inside of the network. */
  readonly raised: boolean;
  /** The network's number of a byte's code is code·2^exponent. */
  readonly exponent: number;
}

/**
 * Bytes stay bytes ('2-8-8-8': rne(128·(x / 127.5 − 1)) in ±127); float32 become int8 of a power-of-two scale that covers
 * them. Errors: ERR_NAN_INPUT; ERR_ARGUMENT (infinite, or beyond 2^100).
 */
export function inputGrid(
  { inputs, inFeatures: features }: CheckedDataset,
  recipe: IntegerRecipe,
): InputGrid {
  if (inputs instanceof Float32Array) {
    const scale = Float32Array.of(coveringScale(inputs));
    const value = { features, dtype: 'int8', scale, zeroPoint: 0, min: -127, max: 127 } as const;
    return { value, raised: true, exponent: -7 };
  }
  if (recipe === '8-8-8-8') {
    const value = { features, dtype: 'uint8', scale: Float32Array.of(1), zeroPoint: 0 } as const;
    return { value, raised: false, exponent: -8 };
  }
  // x·256/255 − 128; a half is not met.
  const scale = Float32Array.of(255 / 256);
  const value = { features, dtype: 'int8', scale, zeroPoint: -128, min: -127, max: 127 } as const;
  return { value, raised: true, exponent: -7 };
}

/** The smallest power of two, at least 2^-100, with max |x| ≤ 128·2^n: the largest is a code or half a percent beyond. */
function coveringScale(inputs: Float32Array): number {
  let most = 0;
  for (const x of inputs) {
    if (Number.isNaN(x)) throw expected('ERR_NAN_INPUT', 'data.inputs without NaN', NaN);
    most = Math.max(most, Math.abs(x));
  }
  if (most > 2 ** 100) throw expected('ERR_ARGUMENT', 'data.inputs below 2^100', most);
  let scale = 2 ** -100;
  while (128 * scale < most) scale *= 2;
  return scale;
}

/** What the network reads of a dataset. */
export interface NetworkData {
  /** [rows, inFeatures] */
  readonly inputs: Uint8Array;
  readonly targets: Int32Array;
}

export function networkData({ inputs, targets }: CheckedDataset, { value, raised }: InputGrid): NetworkData {
  const classes = Int32Array.from(targets);
  if (!raised && inputs instanceof Uint8Array) return { inputs, targets: classes };
  const { scale, zeroPoint } = value;
  const code = (x: number) => {
    if (Number.isNaN(x)) throw expected('ERR_NAN_INPUT', 'inputs without NaN', x);
    const q = zeroPoint + roundHalfEven(Math.max(-1e6, Math.min(1e6, x / scale[0]!)));
    return 128 + Math.max(-127, Math.min(127, q));
  };
  if (inputs instanceof Float32Array) return { inputs: Uint8Array.from(inputs, code), targets: classes };
  const table = Uint8Array.from({ length: 256 }, (_, byte) => code(byte));
  return { inputs: inputs.map((byte) => table[byte]!), targets: classes };
}
