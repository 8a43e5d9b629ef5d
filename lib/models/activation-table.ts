import { nativeElementwise } from '../layers/elementwise';
import { callNative } from '../runtime/native';
import type { CodesValue, ElementwiseNode } from './graph';

/** table[q] = clamp(rne(f(s_from·(q − z_from)) / s_to) + z_to) in float64: entry i belongs to the code lo + i (docs/numerics.md). */
export function activationTable(
  { op, attributes }: Pick<ElementwiseNode, 'op' | 'attributes'>,
  from: CodesValue,
  to: CodesValue,
): Uint8Array | Int8Array {
  const { name, a, b } = nativeElementwise(op, attributes);
  const bytes = callNative((addon) =>
    addon.activationTable(
      name,
      a,
      b,
      from.scale[0]!,
      from.zeroPoint,
      from.dtype === 'uint8',
      to.scale[0]!,
      to.zeroPoint,
      to.dtype === 'uint8',
    ),
  );
  return to.dtype === 'uint8' ? bytes : new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
