import { quantizeBias } from '../../../../quantization/weights';
import { accumulatorScale } from '../../../compile';
import { type CodesValue, isCodes, type LinearNode, type Value, type Weight } from '../../../graph';
import { keptBits, keptWish } from '../../keyed';
import type { NodeKey } from '../../requant-key';
import type { LinearDraft } from '../draft';
import type { IntegerBias } from './constants';

/** A linear node in the arithmetic that its input and its weights call for. */
export function linearNode(
  draft: LinearDraft,
  values: ReadonlyMap<string, Value>,
  key: NodeKey | undefined,
): LinearNode {
  const { name, inputs, output, weight, integer } = draft;
  const base = { op: 'linear' as const, name, inputs, output };
  const input = values.get(inputs[0]!)!;
  const mode = draft.mode ?? (canStayInteger(draft, key) ? 'weight-only' : 'float');
  if (mode === 'float' || integer === undefined)
    return {
      ...base,
      mode: 'float',
      weight: { format: 'float32', data: weight },
      ...floatBias(draft),
      ...keptWish(name, values.get(output)!.features, input.features, key),
    };
  const codes = integerWeight(integer, key);
  if (mode !== 'static' || !isCodes(input)) return { ...base, mode, weight: codes, ...floatBias(draft) };
  return {
    ...base,
    mode,
    weight: codes,
    ...(key?.rounding && { rounding: key.rounding }),
    ...integerBias(draft, input, integer.scale),
  };
}

/** Weights that float activations are multiplied with: int8 around 0, and int4. */
function canStayInteger({ integer }: LinearDraft, key: NodeKey | undefined): boolean {
  if (integer === undefined || key?.mode === 'float') return false;
  return integer.format === 'int4' || (integer.format === 'int8' && integer.zeroPoint === undefined);
}

function integerWeight(integer: NonNullable<LinearDraft['integer']>, key: NodeKey | undefined): Weight {
  if (integer.format === 'int4') return integer;
  const { zeroPoint, ...rest } = integer;
  const bits = rest.data instanceof Int8Array && !zeroPoint ? keptBits(rest.data, key) : {};
  return { ...rest, ...bits, ...(zeroPoint && { zeroPoint }) };
}

function floatBias({ bias }: LinearDraft): Pick<LinearNode, 'bias'> {
  return bias === undefined ? {} : { bias };
}

/** The integers of the file where their scale is that of the sums, else the nearest ones. */
function integerBias(
  { bias, integerBias }: LinearDraft,
  input: CodesValue,
  weightScale: Float32Array,
): Pick<LinearNode, 'bias'> {
  if (bias === undefined) return {};
  const scale = accumulatorScale(input, weightScale);
  const isSums = integerBias !== undefined && isNearly(integerBias, scale);
  return { bias: isSums ? integerBias.codes : quantizeBias(bias, scale) };
}

/** Exporters multiply scales in float64 as well. */
const TOLERANCE = 2 ** -20;

function isNearly({ scale }: IntegerBias, sums: Float32Array): boolean {
  const at = (values: Float32Array, n: number) => values[values.length === 1 ? 0 : n]!;
  const length = Math.max(scale.length, sums.length);
  for (let n = 0; n < length; n++) {
    if (!(Math.abs(at(scale, n) - at(sums, n)) <= TOLERANCE * at(sums, n))) return false;
  }
  return true;
}
