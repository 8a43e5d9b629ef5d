import { callNative, type NativeIntegerNet } from '../../runtime/native';
import type { BatchResult } from '../loop';
import type { InputGrid, NetworkData } from './inputs';
import type { IntegerLayerSpec, IntegerRecipe } from './recipe';

/** Stored weights [out, in] and biases [out] in units of 2^-20. */
export interface IntegerParameters {
  readonly weight: Int32Array;
  readonly bias: Int32Array;
}

/** The native network: what it holds, and one call a step. */
export class IntegerNetwork {
  private readonly net: NativeIntegerNet;

  constructor(
    readonly specs: readonly IntegerLayerSpec[],
    recipe: IntegerRecipe,
    input: InputGrid,
    mostRows: number,
    seed: number,
  ) {
    this.net = callNative((addon) =>
      addon.createIntegerNet({
        recipe: recipe === '2-8-8-8' ? 'wage' : 'block',
        layers: specs,
        mostRows,
        inputExponent: input.exponent,
        raisedInputs: input.raised,
        seed: [seed % 2 ** 32, Math.floor(seed / 2 ** 32)],
      }),
    );
  }

  /** `rate`: the exponent of the learning rate; `step` numbers the random words. */
  step(data: NetworkData, rows: Uint32Array, rate: number, step: number): BatchResult {
    return callNative((addon) => addon.integerStep(this.net, data.inputs, data.targets, rows, rate, step));
  }

  judge(data: NetworkData, rows: Uint32Array): BatchResult {
    return callNative((addon) => addon.integerJudge(this.net, data.inputs, data.targets, rows));
  }

  read(layer: number): IntegerParameters {
    const { inFeatures, outFeatures } = this.specs[layer]!;
    const weight = new Int32Array(inFeatures * outFeatures);
    const bias = new Int32Array(outFeatures);
    callNative((addon) => addon.readIntegerLayer(this.net, layer, weight, bias));
    return { weight, bias };
  }

  write(layer: number, { weight, bias }: IntegerParameters): void {
    callNative((addon) => addon.writeIntegerLayer(this.net, layer, weight, bias));
  }

  /** Activations: [batches since the last look, then a hidden layer: shift, rows since, clipped since (two words)]. */
  get activations(): Int32Array {
    return callNative((addon) => addon.readIntegerState(this.net));
  }
  set activations(state: Int32Array) {
    callNative((addon) => addon.writeIntegerState(this.net, state));
  }

  /** The shift of each hidden layer's activation. */
  get shifts(): number[] {
    const state = this.activations;
    return this.specs.slice(1).map((_, i) => state[1 + 4 * i]!);
  }

  release(): void {
    callNative((addon) => addon.releaseIntegerNet(this.net));
  }
}
