import type { JobOptions } from '../../calibration/types';
import { type ElementwiseName, elementwise } from '../../layers/elementwise';
import { linear } from '../../layers/linear';
import { MLP } from '../../models/mlp';
import type { Dataset } from '../../training/dataset';
import type { LoopOptions } from '../../training/job';
import type { Epoch } from '../../training/loop';
import { train } from '../../training/train';

/** What training begins with: a model, or widths of a chain with an activation between its layers. */
export interface Start {
  readonly model: MLP | undefined;
  readonly widths: readonly number[] | undefined;
  readonly activation: ElementwiseName | undefined;
}

export interface Trained {
  /** The model file. */
  readonly bytes: Uint8Array;
  readonly history: readonly Epoch[];
}

interface Kind {
  /** Of the config file, besides those that all kinds have. */
  readonly keys: readonly string[];
  /** Whether it may begin with a model, or with widths alone. */
  readonly takesModel: boolean;
  /** `options` are the values of `keys`, unchecked. */
  train(
    start: Start,
    data: Dataset,
    options: LoopOptions & JobOptions & Readonly<Record<string, unknown>>,
  ): Promise<Trained>;
}

export const KIND_NAMES = ['float'] as const;
export type KindName = (typeof KIND_NAMES)[number];

/** The kinds of training: one entry each. */
export const KINDS: Readonly<Record<KindName, Kind>> = {
  float: {
    keys: ['optimizer', 'loss'],
    takesModel: true,
    async train(start, data, options) {
      using first = floatModel(start, options.seed);
      const { model, history } = await train(first, data, options);
      using trained = model;
      return { bytes: trained.toBytes(), history };
    },
  },
};

/** The model, or a new one of these widths; its weights are drawn with the seed. */
export function floatModel({ model, widths, activation = 'relu' }: Start, seed = 0): MLP {
  if (model !== undefined) return model;
  const layers = widths!
    .slice(1)
    .flatMap((outFeatures, i) => [
      ...(i === 0 ? [] : [elementwise(activation)]),
      linear({ inFeatures: widths![i]!, outFeatures }),
    ]);
  return new MLP(layers, { seed });
}
