import type { OnnxModel } from '../../../formats/onnx';
import type { Graph } from '../../graph';
import { emit } from './emit';
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
  const translation = translate(model);
  return emit(translation, simplify(translation));
}
