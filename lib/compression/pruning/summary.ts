import type { MLP } from '../../models/mlp';
import { floatWeight, linearNodes } from '../rebuild';
import { BLOCK_HEIGHT, zeroShare } from './units';

/** What pruning left of a Linear layer. */
export interface PrunedLayer {
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** Share of its weights that are 0. */
  readonly sparsity: number;
  /** Share of its 4×1 blocks that are 0. */
  readonly blockSparsity: number;
}

/** By the layer's name. */
export function summary({ graph }: MLP): Readonly<Record<string, PrunedLayer>> {
  return Object.fromEntries(
    linearNodes(graph).map((node) => {
      const [outFeatures, inFeatures] = [node.output, node.inputs[0]!].map(
        (name) => graph.values.get(name)!.features,
      ) as [number, number];
      const share = (height: number) => {
        return zeroShare({ height, outFeatures, inFeatures }, floatWeight(node));
      };
      const layer = { outFeatures, inFeatures, sparsity: share(1), blockSparsity: share(BLOCK_HEIGHT) };
      return [node.name, layer];
    }),
  );
}

/** Linear weights of a model that are not 0. */
export function liveWeights({ graph }: MLP): number {
  const live = (weight: Float32Array) => weight.reduce((sum, w) => sum + Number(w !== 0), 0);
  return linearNodes(graph).reduce((sum, node) => sum + live(floatWeight(node)), 0);
}
