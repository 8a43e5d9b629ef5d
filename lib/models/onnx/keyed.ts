import { type Attributes, type ElementwiseOp, elementwiseAttributes } from '../../layers/elementwise';
import { maxWeightCode } from '../../quantization/bits';
import type { LinearNode, NarrowBits } from '../graph';
import { checkedWish } from '../wish';
import type { NodeKey } from './requant-key';

/** What a file's own key says about a node. One that does not fit is of a file that was changed since: the graph is right. */

/** Attributes in float64, where the file's float32 ones agree. */
export function exactAttributes(
  op: ElementwiseOp,
  attributes: Attributes,
  key: NodeKey | undefined,
): Attributes {
  const exact = key?.attributes;
  return exact !== undefined && agrees(attributes, exact)
    ? elementwiseAttributes(op, { ...attributes, ...exact })
    : attributes;
}

/** The same of a layer norm. */
export function exactEpsilon(epsilon: number, key: NodeKey | undefined): number {
  const exact = key?.attributes?.['epsilon'];
  return typeof exact === 'number' && Math.fround(exact) === epsilon ? exact : epsilon;
}

function agrees(attributes: Attributes, exact: Attributes): boolean {
  return Object.entries(exact).every(([key, value]) => Math.fround(value as number) === attributes[key]);
}

/** What a float layer wishes for when it is quantized. Errors: those of `checkedWish`. */
export function keptWish(
  layer: string,
  outFeatures: number,
  inFeatures: number,
  key: NodeKey | undefined,
): Pick<LinearNode, 'quantization'> {
  if (key?.scale === undefined && key?.quantization === undefined) return {};
  const wish = { ...key.quantization, ...(key.scale && { scale: key.scale }) };
  return { quantization: checkedWish(layer, wish, outFeatures, inFeatures) };
}

/** Bits of int8 codes, where the codes agree. */
export function keptBits(codes: Int8Array, key: NodeKey | undefined): { bits?: NarrowBits } {
  if (key?.bits === undefined) return {};
  const max = maxWeightCode(key.bits);
  return codes.every((code) => code <= max && code >= -max) ? { bits: key.bits } : {};
}
