import type { OnnxModel } from '../../../formats/onnx';
import type { Graph } from '../../graph';
import { decodeRequantKey, REQUANT_KEY } from '../requant-key';
import { emit } from './emit';
import { fuse } from './quantized/fuse';
import { simplify } from './simplify';
import { translate } from './translate';

/**
 * ONNX's graph as the model's own: nodes are translated one by one into a draft, factors and shifts become parts of linear
 * nodes, and what is left are the model's operators.
 *
 * Errors: ERR_UNSUPPORTED (names every node that cannot be imported), ERR_VERSION, ERR_SHAPE, ERR_FORMAT, ERR_LIMIT,
 * ERR_MEMORY.
 */
export function importGraph(model: OnnxModel): Graph {
  const text = model.metadata[REQUANT_KEY];
  const key = text === undefined ? undefined : decodeRequantKey(text);
  const translation = translate(model, key);
  const { draft, output } = translation;
  const modeOf = (node: string) => key?.nodes.get(node)?.mode;
  return emit(translation, fuse(simplify(translation), draft.input, output, draft.grids, modeOf), key);
}
