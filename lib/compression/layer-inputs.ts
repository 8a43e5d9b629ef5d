import { allocateFloats } from '../formats/sizes';
import type { LinearNode } from '../models/graph';
import type { MLP } from '../models/mlp';
import { callNative } from '../runtime/native';

/** Rows that run at a time: bounds the memory of all values. */
const CHUNK_ROWS = 512;

/** What two forms of a network show one of its layers. x̂ comes from the weights rounded so far, x from the float ones. */
export interface LayerInputs {
  readonly inFeatures: number;
  readonly rows: number;
  /** Σ x̂ x̂ᵀ over the rows, [inFeatures, inFeatures]. */
  readonly gram: Float32Array;
  /** Σ x x̂ᵀ */
  readonly cross: Float32Array;
}

/**
 * The products of a layer's inputs that its reconstruction error needs: with them
 * ‖WX − ŴX̂‖² = tr(ŴĜŴᵀ) − 2tr(WCŴᵀ) + a constant, however many rows there are.
 *
 * Errors: as `observe`.
 */
export function layerInputs(float: MLP, rounded: MLP, node: LinearNode, rows: Float32Array): LayerInputs {
  const input = node.inputs[0]!;
  const inFeatures = float.graph.values.get(input)!.features;
  const size = inFeatures * inFeatures;
  const [gram, cross] = [allocateFloats(size), allocateFloats(size)];
  const step = CHUNK_ROWS * float.inFeatures;
  for (let start = 0; start < rows.length; start += step) {
    const chunk = rows.subarray(start, start + step);
    const [x, rx] = [shownValue(float, input, chunk), shownValue(rounded, input, chunk)];
    add(gram, product(rx, rx, inFeatures));
    add(cross, float === rounded ? product(rx, rx, inFeatures) : product(x, rx, inFeatures));
  }
  return { inFeatures, rows: rows.length / float.inFeatures, gram, cross };
}

function shownValue(model: MLP, name: string, rows: Float32Array): Float32Array {
  let value: Float32Array | undefined;
  model.observe(rows, (shown, data) => {
    if (shown === name) value = data.slice();
  });
  return value!;
}

/** aᵀb of [rows, n] each. */
function product(a: Float32Array, b: Float32Array, n: number): Float32Array {
  const rows = a.length / n;
  return callNative((addon) => addon.floatProduct(a, b, n, n, rows, true, true, allocateFloats(n * n)));
}

function add(sum: Float32Array, part: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += part[i]!;
}
