import { describe, expect, it } from 'vitest';
import { clip as clipLayer, linear, MLP, quantize, relu, sigmoid, tanh } from '../../../lib/index';
import type { NativeStage } from '../../../lib/runtime/native';
import type { TrainQuantizedOptions } from '../../../lib/training';
import { createOptimizer, type Optimizer } from '../../../lib/training/optimizer';
import type { ForwardPass } from '../../../lib/training/qat/forward';
import type { LearnedSteps } from '../../../lib/training/qat/learned-steps';
import { QuantizedNetwork } from '../../../lib/training/qat/network';
import { qatSettings } from '../../../lib/training/qat/options';
import { ALPHA_DECAY } from '../../../lib/training/qat/pact';
import { expectSameBytes } from '../../support/bytes';
import { randomLinear } from '../../support/models';
import { Seeded } from '../../support/random';

const random = new Seeded(70);
const model = new MLP([
  randomLinear(random, 9, 14, 'a'),
  relu(),
  randomLinear(random, 14, 11, 'b'),
  relu(),
  randomLinear(random, 11, 4, 'c'),
]);
const rows = new Seeded(71).normals(9 * 40);

function started(options: Partial<TrainQuantizedOptions>, graph = model.graph): QuantizedNetwork {
  const { method, gridOf } = qatSettings(graph, { epochs: 1, ...options });
  const network = new QuantizedNetwork(graph, method, gridOf);
  network.start(rows);
  return network;
}

function trained(options: Partial<TrainQuantizedOptions>): QuantizedNetwork {
  const network = started(options);
  const weights = createOptimizer({ type: 'adam', learningRate: 0.01 });
  const steps = createOptimizer({ type: 'adam', learningRate: 0.01 });
  for (let i = 0; i < 7; i++) {
    const pass = network.forward(rows, 'c');
    network.observe(pass);
    network.learn(pass, new Seeded(i).normals(40 * 4), weights, steps);
  }
  return network;
}

/** Keeps gradients, and moves nothing. */
class Recorder implements Optimizer {
  learningRate = 0;
  numbers = {};
  readonly gradients = new Map<Float32Array, Float32Array>();
  beginStep(): void {}
  update(parameter: Float32Array, gradient: Float32Array): void {
    this.gradients.set(parameter, gradient.slice());
  }
  slots() {
    return {};
  }
}

interface Case {
  readonly options: Partial<TrainQuantizedOptions>;
  /** Of codes: the largest; of float8 the largest number over the step; whether ranges are PACT's. */
  readonly surrogate: { maxCode?: number; limit?: number; pact?: boolean };
}

const NARROW = { weightBits: 4, activationBits: 4 } as const;
const CASES: Readonly<Record<string, Case>> = {
  '8/8': { options: {}, surrogate: { maxCode: 127 } },
  '4/4': { options: NARROW, surrogate: { maxCode: 7 } },
  '4/4 per tensor': { options: { ...NARROW, weights: 'per-tensor' }, surrogate: { maxCode: 7 } },
  '2/8': { options: { weightBits: 2 }, surrogate: { maxCode: 1 } },
  'ternary/4': { options: { weightBits: 'ternary', activationBits: 4 }, surrogate: { maxCode: 1 } },
  pact: { options: { method: 'pact', ...NARROW }, surrogate: { maxCode: 7, pact: true } },
  ema: { options: { method: 'ema', weightBits: 4 }, surrogate: { maxCode: 7 } },
  e4m3fn: { options: { format: 'e4m3fn' }, surrogate: { limit: 448 } },
  e5m2: { options: { format: 'e5m2' }, surrogate: { limit: 57344 } },
  '3m4e': { options: { format: { mantissa: 3, exponent: 4 } }, surrogate: { limit: 1 } },
};

/** Pre-activations far beyond what the tables of their functions need. */
const saturated = new MLP([
  randomLinear(random, 9, 14, 'a'),
  clipLayer(-40, 60),
  linear({ name: 'b', inFeatures: 14, outFeatures: 11, weight: new Seeded(73).normals(154, 3) }),
  tanh(),
  linear({ name: 'c', inFeatures: 11, outFeatures: 4, weight: new Seeded(74).normals(44, 3) }),
  sigmoid(),
  randomLinear(random, 4, 4, 'd'),
]);

it.each(Object.entries(CASES))(
  '%s: the bits hold where ranges are cut, pass after pass',
  (_, { options }) => {
    const network = started(options, saturated.graph);
    const weights = createOptimizer({ type: 'adam', learningRate: 0.01 });
    const steps = createOptimizer({ type: 'adam', learningRate: 0.01 });
    for (let i = 0; i < 5; i++) {
      const pass = network.forward(rows, 'd');
      const kept = network.calibration(40, new Float32Array(0));
      using served = quantize(MLP.fromGraph(network.snapshot()), kept);
      expectSameBytes(served.runSync(rows), pass.real(pass.output));
      expect(network.calibration(40, new Float32Array(0))).toEqual(kept);
      network.observe(pass);
      network.learn(pass, new Seeded(i).normals(40 * 4), weights, steps);
    }
  },
);

/** Relative to the largest. */
function near(found: readonly number[], right: readonly number[], tolerance: number): void {
  if (process.env['DBG']) console.log(found.length, found.slice(0, 8), right.slice(0, 8));
  const size = Math.max(...right.map(Math.abs), 1e-9);
  found.forEach((x, i) => {
    expect(Math.abs(x - right[i]!) / size).toBeLessThan(tolerance);
  });
}

describe.each(Object.entries(CASES))('%s', (_, { options, surrogate }) => {
  it('after some updates the pass gives what the quantized model gives, to the bit', () => {
    const network = trained(options);
    const pass = network.forward(rows, 'c');
    using served = quantize(MLP.fromGraph(network.snapshot()), network.calibration(40, new Float32Array(0)));
    expectSameBytes(served.runSync(rows), pass.real(pass.output));
  });

  it('gradients are those of finite differences, rounding residuals held fixed', () => {
    // Not at the start, where the largest weight of a row stands at the very end of its grid.
    const network = trained(options);
    const pass = network.forward(rows, 'c');
    const [weights, steps] = [new Recorder(), new Recorder()];
    const given = new Seeded(72).normals(40 * 4);
    const { values, run, atEnd } = surrogateOf(network, pass, surrogate);
    near([...run()], [...pass.real(pass.output)], 1e-4);
    network.learn(pass, given.slice(), weights, steps);
    const loss = () => run().reduce((sum, y, i) => sum + y * given[i]!, 0);
    const slope = (own: Float64Array, i: number): number => {
      const [at, h] = [own[i]!, 1e-7];
      own[i] = at + h;
      const above = loss();
      own[i] = at - h;
      const below = loss();
      own[i] = at;
      return (above - below) / (2 * h);
    };
    for (const [name, parameter] of network.parameters()) {
      const found = weights.gradients.get(parameter)!;
      const own = values.get(name)!;
      const some = [...own.keys()].filter(
        (i) => i % Math.ceil(own.length / 50) === 0 && !(/weight/.test(name) && atEnd(name, i)),
      );
      near(
        some.map((i) => found[i]!),
        some.map((i) => slope(own, i)),
        1e-3,
      );
    }
    if (options.method === 'ema') return;
    for (const [name, { relative, base, scales }] of [...learned(network)]) {
      const found = steps.gradients.get(relative)!;
      const own = values.get(name)!;
      const some = [...own.keys()].filter((i) => scales[i] !== 0);
      const decay = (i: number) =>
        surrogate.pact && /^act/.test(name) ? ALPHA_DECAY * 15 ** 2 * own[i]! : 0;
      near(
        some.map((i) => (found[i]! * base[i]!) / scales[i]! - decay(i)),
        some.map((i) => slope(own, i)),
        1e-3,
      );
    }
  });
});

type LinearStage = Extract<NativeStage, { op: 'staticLinear' | 'floatLinear' }>;

const clip = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);

/**
 * The network in float64 with every rounding residual as it was in a pass, held fixed: x̂ = s·(clamp(x/s) + δ) of codes,
 * clip(x, ±c) + ρ·c of float8, clip(x, 0, α) + r of PACT. `values`: what it depends on, by name, to be moved.
 */
function surrogateOf(network: QuantizedNetwork, pass: ForwardPass, { maxCode = 0, limit = 1, pact = false }) {
  const { native, grids, weightScales, linears } = pass.program;
  const values = new Map([...network.parameters()].map(([name, own]) => [name, Float64Array.from(own)]));
  const activationSteps = Float64Array.from(network.activations.steps.steps());
  values.set('activations.step', activationSteps);
  const layers: ((x: Float64Array) => Float64Array)[] = [];
  const ends = new Map<string, (i: number) => boolean>();
  const stages = native.stages.filter((stage): stage is LinearStage => /Linear/.test(stage.op));
  stages.forEach((stage, l) => {
    const name = linears.get(stage.output)!;
    const isCodes = stage.op === 'staticLinear';
    const [w, b] = [values.get(`${name}.weight`)!, values.get(`${name}.bias`)!];
    const { steps } = [...network.grids()].find(([own]) => own === name)![1];
    const s = Float64Array.from(weightScales.get(stage.output) ?? steps!.steps());
    values.set(`${name}.step`, s);
    const own = (i: number) => s[Math.floor((i * s.length) / w.length)]!;
    const held = stage.weight;
    const end = isCodes ? maxCode : limit;
    const inside = (x: number, step: number) => clip(x / step, -end, end);
    ends.set(`${name}.weight`, (i) => Math.abs(Math.abs(w[i]! / own(i)) - end) < 1e-4 * end);
    const residual = Float64Array.from(
      w,
      (x, i) => (isCodes ? held[i]! : held[i]! / own(i)) - inside(x, own(i)),
    );
    const sx = grids[stage.inputs[0]]?.scale ?? 1;
    const rounded = isCodes
      ? Float64Array.from(stage.bias!, (q, n) => q * sx * own(n * stage.inFeatures))
      : b;
    const biasResidual = rounded.map((x, n) => x - b[n]!);
    layers.push((x) => {
      const weight = w.map((v, i) => own(i) * (inside(v, own(i)) + residual[i]!));
      return product(
        x,
        weight,
        b.map((v, n) => v + biasResidual[n]!),
        stage.inFeatures,
      );
    });
    const next = stages[l + 1]?.inputs[0];
    if (next !== undefined) layers.push(activation(pass, next, activationSteps, network, pact));
  });
  const input = Float64Array.from(pass.real(stages[0]!.inputs[0]));
  return {
    values,
    run: () => layers.reduce<Float64Array>((x, layer) => layer(x), input),
    /** Where a weight stands between inside and outside. */
    atEnd: (name: string, i: number) => ends.get(name)!(i),
  };
}

function product(x: Float64Array, w: Float64Array, b: Float64Array, k: number): Float64Array {
  const n = b.length;
  return Float64Array.from({ length: (x.length / k) * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    let sum = b[column]!;
    for (let j = 0; j < k; j++) sum += x[row * k + j]! * w[column * k + j]!;
    return sum;
  });
}

/** What stands behind a layer: a ReLU and a rounding, with the step that belongs to it. */
function activation(
  pass: ForwardPass,
  number: number,
  steps: Float64Array,
  network: QuantizedNetwork,
  pact: boolean,
): (x: Float64Array) => Float64Array {
  const { grids, fp8Ranges } = pass.program;
  const grid = grids[number];
  const at = network.activations.names.indexOf(grid?.range ?? fp8Ranges.get(number)!);
  const real = pass.real(number);
  if (grid === undefined) {
    const before = pass.real(pass.program.native.stages.find(({ output }) => output === number)!.inputs[0]!);
    const c = steps[at]!;
    const residual = before.map((x, i) => real[i]! - clip(x, 0, c));
    return (x) => x.map((v, i) => clip(v, 0, steps[at]!) + (residual[i]! / c) * steps[at]!);
  }
  const { low, high } = grid.ends;
  const { positions } = pass.held[number]!;
  // What stands exactly at an end, as an accumulator of 0 does at a ReLU's, is outside.
  const outside = Float64Array.from(positions!, (v) => Number(v >= high) - Number(v <= low));
  const residual = Float64Array.from(positions!, (v, i) => real[i]! / grid.scale - clip(v, low, high));
  const inSteps = (v: number, i: number) => (outside[i] === 0 ? v : outside[i]! < 0 ? low : high);
  if (pact)
    return (x) =>
      x.map((v, i) => {
        const [s, rest] = [steps[at]!, residual[i]! * grid.scale];
        return (outside[i] === 0 ? v : inSteps(v, i) * s) + rest;
      });
  return (x) => x.map((v, i) => steps[at]! * (inSteps(v / steps[at]!, i) + residual[i]!));
}

/** All steps that a training learns, by the names that `values` has. */
function learned(network: QuantizedNetwork): Map<string, LearnedSteps> {
  const ofWeights = network.grids().map(([name, grid]) => [`${name}.step`, grid.steps!] as const);
  return new Map([...ofWeights, ['activations.step', network.activations.steps]]);
}
