import { expected } from '../errors';
import type { Layer } from './layer';

export interface ResidualLayer extends Layer {
  readonly type: 'residual';
  readonly layers: readonly Layer[];
}

export interface ConcatLayer extends Layer {
  readonly type: 'concat';
  readonly branches: readonly (readonly Layer[])[];
}

/** x + f(x); an empty list is the identity. Errors: ERR_ARGUMENT. */
export function residual(layers: readonly Layer[]): Layer {
  const layer: ResidualLayer = { type: 'residual', layers: checkedList(layers) };
  return Object.freeze(layer);
}

/** [f1(x), f2(x), …] side by side; an empty list is the identity. Errors: ERR_ARGUMENT without a branch. */
export function concat(branches: readonly (readonly Layer[])[]): Layer {
  if (!Array.isArray(branches) || branches.length === 0) {
    throw expected('ERR_ARGUMENT', 'a list of at least one branch', branches);
  }
  const layer: ConcatLayer = { type: 'concat', branches: Object.freeze(branches.map(checkedList)) };
  return Object.freeze(layer);
}

function checkedList(layers: readonly Layer[]): readonly Layer[] {
  if (!Array.isArray(layers)) throw expected('ERR_ARGUMENT', 'a list of layers', layers);
  return Object.freeze([...layers]);
}
