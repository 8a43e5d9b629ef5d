import { expected, RequantError } from '../../errors';
import { Random } from '../../random';
import type { CheckedDataset } from '../dataset';
import type { Fingerprint } from '../fingerprint';
import { type BatchResult, copyState, type Learner, type LearnerState } from '../loop';
import { type InputGrid, inputGrid, type NetworkData, networkData } from './inputs';
import { IntegerNetwork, type IntegerParameters } from './network';
import { type IntegerRecipe, initialWeights, layerSpecs, rateExponent } from './recipe';

export interface IntegerLearnerOptions {
  readonly recipe: IntegerRecipe;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Of the learning rate in the first epochs. */
  readonly firstRate: number;
}

/** A network of integers. Weights begin, and random words come, from the seed. */
export class IntegerLearner implements Learner {
  readonly input: InputGrid;
  readonly network: IntegerNetwork;
  private readonly quantized = new Map<CheckedDataset, NetworkData>();
  private rate: number;
  private steps = 0;

  constructor(
    private readonly widths: readonly number[],
    data: CheckedDataset,
    private readonly options: IntegerLearnerOptions,
  ) {
    const { recipe, batchSize, seed, firstRate } = options;
    const specs = layerSpecs(widths, recipe);
    this.input = inputGrid(data, recipe);
    this.network = new IntegerNetwork(specs, recipe, this.input, batchSize, seed);
    this.rate = firstRate;
    const random = new Random(seed);
    specs.forEach((spec, layer) => {
      const weight = initialWeights(spec, recipe, random);
      this.network.write(layer, { weight, bias: new Int32Array(spec.outFeatures) });
    });
  }

  identity(): Fingerprint {
    const { recipe, epochs, firstRate } = this.options;
    // The learning rate of an epoch depends on how many there are.
    return { kind: 'integer', recipe, widths: this.widths.join(), epochs, firstRate };
  }

  beginEpoch(epoch: number): void {
    this.rate = rateExponent(this.options.firstRate, epoch, this.options.epochs);
  }

  step(data: CheckedDataset, rows: Uint32Array): BatchResult {
    return this.network.step(this.codes(data), rows, this.rate, this.steps++);
  }

  judge(data: CheckedDataset, rows: Uint32Array): BatchResult {
    return this.network.judge(this.codes(data), rows);
  }

  state(): LearnerState {
    const tensors: Record<string, Int32Array> = { activations: this.network.activations };
    this.parameters().forEach(({ weight, bias }, layer) => {
      tensors[`${layer}.weight`] = weight;
      tensors[`${layer}.bias`] = bias;
    });
    return { tensors, numbers: { steps: this.steps } };
  }

  restore({ tensors, numbers }: LearnerState): void {
    const own = this.state().tensors as Record<string, Int32Array>;
    copyState(own, tensors);
    const steps = numbers['steps'];
    if (!Number.isInteger(steps) || !(steps! >= 0 && steps! < 2 ** 32))
      throw expected('ERR_FORMAT', 'a state with a number of steps', steps);
    try {
      this.network.specs.forEach((_, layer) => {
        this.network.write(layer, { weight: own[`${layer}.weight`]!, bias: own[`${layer}.bias`]! });
      });
      this.network.activations = own['activations']!;
    } catch (cause) {
      throw new RequantError('ERR_FORMAT', 'expected a state within the limits of the recipe', { cause });
    }
    this.steps = steps!;
  }

  parameters(): IntegerParameters[] {
    return this.network.specs.map((_, layer) => this.network.read(layer));
  }

  /** Quantized once a dataset. */
  private codes(data: CheckedDataset): NetworkData {
    let codes = this.quantized.get(data);
    if (codes === undefined) {
      codes = networkData(data, this.input);
      this.quantized.set(data, codes);
    }
    return codes;
  }
}
