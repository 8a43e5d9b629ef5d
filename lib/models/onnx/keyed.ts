import { type Attributes, type ElementwiseOp, elementwiseAttributes } from '../../layers/elementwise';
import { checkWeightScales } from '../../layers/linear';
import type { LinearNode } from '../graph';
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

/** Weight scales that a float layer keeps when it is quantized. Errors: those of `checkWeightScales`. */
export function keptScale(
  layer: string,
  outFeatures: number,
  key: NodeKey | undefined,
): Pick<LinearNode, 'quantization'> {
  if (key?.scale === undefined) return {};
  checkWeightScales(layer, key.scale, [1, outFeatures]);
  return { quantization: { scale: key.scale } };
}
