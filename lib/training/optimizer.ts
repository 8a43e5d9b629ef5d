import { expected } from '../errors';
import { checkFinite, checkWord } from '../runtime/checks';
import { callNative } from '../runtime/native';

export interface OptimizerOptions {
  type: 'sgd' | 'adam';
  learningRate: number;
  /** sgd: default 0. */
  momentum?: number;
}

/** Updates parameter arrays in place. State is kept by array. */
export interface Optimizer {
  /** Of the next updates: a schedule may change it. */
  learningRate: number;
  /** State that is not a parameter's. */
  numbers: Readonly<Record<string, number>>;
  /** Once before the updates of a batch. */
  beginStep(): void;
  update(parameter: Float32Array, gradient: Float32Array): void;
  /** The state kept for a parameter, of its length; zeros before its first update. */
  slots(parameter: Float32Array): Readonly<Record<string, Float32Array>>;
}

/** Errors: ERR_ARGUMENT. */
export function createOptimizer(options: OptimizerOptions): Optimizer {
  const { type, learningRate, momentum = 0 } = options;
  checkWord('optimizer.type', type, ['sgd', 'adam']);
  checkFinite('optimizer.learningRate', learningRate);
  checkFinite('optimizer.momentum', momentum);
  if (learningRate <= 0) throw expected('ERR_ARGUMENT', 'optimizer.learningRate above 0', learningRate);
  if (momentum < 0 || momentum >= 1) throw expected('ERR_ARGUMENT', 'optimizer.momentum in [0, 1)', momentum);
  return type === 'adam' ? new Adam(learningRate) : new Sgd(learningRate, momentum);
}

/** v = µ·v + g, w −= η·v */
class Sgd implements Optimizer {
  numbers = {};
  private readonly velocity = new Map<Float32Array, Float32Array>();

  constructor(
    public learningRate: number,
    private readonly momentum: number,
  ) {}

  beginStep(): void {}

  update(parameter: Float32Array, gradient: Float32Array): void {
    const velocity = stateOf(this.velocity, parameter);
    callNative((addon) => addon.sgdStep(this.learningRate, this.momentum, gradient, parameter, velocity));
  }

  slots(parameter: Float32Array) {
    return { velocity: stateOf(this.velocity, parameter) };
  }
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, with its constants. */
class Adam implements Optimizer {
  private readonly mean = new Map<Float32Array, Float32Array>();
  private readonly square = new Map<Float32Array, Float32Array>();
  // β^t by repeated products: Math.pow may differ between engines.
  private power1 = 1;
  private power2 = 1;

  constructor(public learningRate: number) {}

  beginStep(): void {
    this.power1 *= BETA1;
    this.power2 *= BETA2;
  }

  update(parameter: Float32Array, gradient: Float32Array): void {
    const [m, v] = [stateOf(this.mean, parameter), stateOf(this.square, parameter)];
    const [correction1, correction2] = [1 - this.power1, 1 - this.power2];
    callNative((addon) =>
      addon.adamStep(
        this.learningRate,
        BETA1,
        BETA2,
        EPSILON,
        correction1,
        correction2,
        gradient,
        parameter,
        m,
        v,
      ),
    );
  }

  slots(parameter: Float32Array) {
    return { mean: stateOf(this.mean, parameter), square: stateOf(this.square, parameter) };
  }

  get numbers(): Readonly<Record<string, number>> {
    return { power1: this.power1, power2: this.power2 };
  }

  /** Errors: ERR_FORMAT. */
  set numbers({ power1, power2 }) {
    if (power1 === undefined || power2 === undefined)
      throw expected('ERR_FORMAT', 'power1 and power2 of Adam', undefined);
    this.power1 = power1;
    this.power2 = power2;
  }
}

function stateOf(states: Map<Float32Array, Float32Array>, parameter: Float32Array): Float32Array {
  let state = states.get(parameter);
  if (state === undefined) {
    state = new Float32Array(parameter.length);
    states.set(parameter, state);
  }
  return state;
}
