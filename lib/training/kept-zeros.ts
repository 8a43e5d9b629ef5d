import type { Network } from './network';

/**
 * The weights of Linear layers that are 0 when training begins, and stay so: their gradient is 0 in every step, from which
 * neither SGD with momentum nor Adam makes an update.
 */
export class KeptZeros {
  private readonly zeros = new Map<Float32Array, Uint32Array>();

  constructor(network: Network) {
    for (const weight of network.linearWeights())
      this.zeros.set(
        weight,
        Uint32Array.from(weight.keys()).filter((i) => weight[i] === 0),
      );
  }

  /** Changes the gradient. */
  hold(parameter: Float32Array, gradient: Float32Array): void {
    for (const i of this.zeros.get(parameter) ?? []) gradient[i] = 0;
  }
}
