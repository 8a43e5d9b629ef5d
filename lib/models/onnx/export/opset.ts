import { describe, expected, RequantError } from '../../../errors';
import { DEFAULT_OPSET } from '../../../formats/onnx';
import type { Graph, Node } from '../../graph';

/** Versions of ONNX's operators that are written. */
export const LEAST_OPSET = 7;
export const LATEST_OPSET = 23;

/** Erf. */
const EXACT_GELU = 9;
/** QuantizeLinear and DequantizeLinear with a scale a channel. */
const QUANTIZED = 13;
/** INT4, and a scale a block. */
const INT4 = 21;

/** What a node asks for, in words, and the first opset that has it. */
interface Need {
  readonly what: string;
  readonly opset: number;
}

function needOf(node: Node, kind: Graph['kind']): Need {
  if (node.op === 'linear' && node.weight.format === 'int4') return { what: 'int4 weights', opset: INT4 };
  if (kind === 'quantized') return { what: 'a quantized model', opset: QUANTIZED };
  if (node.op === 'gelu' && node.attributes['approximate'] === 'none')
    return { what: 'the exact gelu', opset: EXACT_GELU };
  return { what: node.op, opset: LEAST_OPSET };
}

/**
 * The opset to write: the one wished for, else 17, or 21 where there are int4 weights.
 *
 * Errors: ERR_ARGUMENT (not in 7…23), ERR_UNSUPPORTED (below what the model takes; says the least).
 */
export function chooseOpset({ kind, nodes }: Graph, wish: number | undefined): number {
  const needs = nodes.map((node) => ({ name: node.name, ...needOf(node, kind) }));
  const least = needs.reduce((most, { opset }) => Math.max(most, opset), LEAST_OPSET);
  if (wish === undefined) return Math.max(DEFAULT_OPSET, least);
  if (!Number.isInteger(wish) || wish < LEAST_OPSET || wish > LATEST_OPSET)
    throw expected('ERR_ARGUMENT', `an opset in ${LEAST_OPSET}…${LATEST_OPSET}`, wish);
  if (wish >= least) return wish;
  const { what, name } = needs.find(({ opset }) => opset === least)!;
  throw new RequantError(
    'ERR_UNSUPPORTED',
    `expected opset ${least} or later for ${what} (${describe(name)}) but received ${wish}`,
  );
}
