import { makeCalibration } from '../../calibration/result';
import type { Calibration } from '../../calibration/types';
import { expected } from '../../errors';
import type { LayerQuantization } from '../../layers/layer';
import type { Graph, LayerNormNode, LinearNode, Node } from '../../models/graph';
import { Observer } from '../../models/observer';
import { lower } from '../../models/quantize/lower';
import { quantizeSettings } from '../../models/quantize/options';
import { findNonFinite } from '../../quantization/float32';
import type { Optimizer } from '../optimizer';
import { Activations, type Method } from './activations';
import { BackwardMemory, BackwardPass, type GradientSink, type LinearStage } from './backward';
import { ForwardPass } from './forward';
import { type CodesGrid, type Program, programOf } from './program';
import { Fp8WeightGrid, type WeightGrid } from './weights';

interface Linear {
  readonly weight: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly grid: WeightGrid;
}

interface Norm {
  readonly gamma: Float32Array | undefined;
  readonly beta: Float32Array | undefined;
}

/**
 * A float graph whose forward pass is the quantized one: `quantize` makes integers of the weights and ranges as they are
 * now, and the kernels that serve the model run them. Backward, each rounding is passed straight through.
 */
export class QuantizedNetwork {
  readonly activations: Activations;
  private readonly linears = new Map<string, Linear>();
  private readonly norms = new Map<string, Norm>();
  private readonly memory = new BackwardMemory();
  /** Of the parameters as they are; undefined after a change. */
  private current: Program | undefined;
  /** Whether values are rounded yet: before the start, everything is float32. */
  private isStarted = false;

  /** `gridOf`: how a layer's weights are rounded. */
  constructor(
    private readonly graph: Graph,
    private readonly method: Method,
    gridOf: (node: LinearNode) => WeightGrid,
  ) {
    for (const node of graph.nodes) {
      if (node.op === 'layerNorm')
        this.norms.set(node.name, { gamma: node.gamma?.slice(), beta: node.beta?.slice() });
      if (node.op !== 'linear') continue;
      const weight = (node.weight.data as Float32Array).slice();
      const bias = node.bias as Float32Array | undefined;
      this.linears.set(node.name, { weight, bias: bias?.slice(), grid: gridOf(node) });
    }
    this.activations = new Activations(graph, this.anyProgram(), this.narrowValues(), method);
  }

  /** The float graph as it is now; layers wish for the grids that they have been trained with. */
  snapshot(): Graph {
    return this.withParameters(({ grid }) => grid.wish(), true);
  }

  calibration(rows: number, kept: Float32Array): Calibration {
    // Learned ranges have begun with the least squared error.
    const method = this.method === 'ema' ? 'movingAverage' : 'mse';
    return makeCalibration(method, rows, this.activations.ranges(), kept);
  }

  get started(): boolean {
    return this.isStarted;
  }

  /** Goes over to rounding: steps and ranges start from the weights and what the rows give. */
  start(rows: Float32Array): void {
    const values = new Map<string, Float32Array>();
    const observer = new Observer(this.withParameters(floatWish, false), { nanIsZero: false });
    try {
      observer.observe(rows, (name, data) => values.set(name, data.slice()));
    } finally {
      observer.release();
    }
    this.activations.start(values);
    for (const { weight, grid } of this.linears.values()) grid.start(weight);
    this.restarted(true);
  }

  /** After parameters have been changed from outside. */
  restarted(isStarted: boolean): void {
    this.isStarted = isStarted;
    this.current = undefined;
  }

  /** Runs rows up to the value `output`. @throws {RequantError} ERR_DIVERGED, ERR_NAN_INPUT */
  forward(input: Float32Array, output: string): ForwardPass {
    const program = this.program();
    const rows = input.length / program.native.values[0]!.features;
    return new ForwardPass(program, input, rows, program.numbers.get(output)!);
  }

  /** Moving averages go on with what a pass has rounded. */
  observe(pass: ForwardPass): void {
    if (!this.isStarted) return;
    const { grids, fp8Ranges, native } = pass.program;
    grids.forEach((grid, number) => {
      const positions = pass.held[number]?.positions;
      if (grid && positions) this.activations.observe(grid.range, positions, grid.scale);
    });
    for (const { op, inputs, output } of native.stages)
      if (op === 'roundToGrid') this.activations.observe(fp8Ranges.get(output)!, pass.real(inputs[0]), 1);
  }

  /** An update from the gradient of a pass's output: weights by one optimizer, steps by another. */
  learn(pass: ForwardPass, gradient: Float32Array, weights: Optimizer, steps: Optimizer): void {
    weights.beginStep();
    steps.beginStep();
    // Here alone: passes must not change what a checkpoint or the result holds.
    if (this.isStarted) this.activations.correct(pass.program);
    new BackwardPass(pass, this.sink(pass.program, weights), this.memory).run(gradient);
    if (this.isStarted) {
      this.activations.learn(steps);
      for (const { grid } of this.linears.values()) grid.learn(steps);
    }
    this.current = undefined;
  }

  /** The network's own arrays that an optimizer for weights moves, by name. */
  parameters(): [name: string, parameter: Float32Array][] {
    const list: [string, Float32Array | undefined][] = [];
    for (const [name, { weight, bias }] of this.linears)
      list.push([`${name}.weight`, weight], [`${name}.bias`, bias]);
    for (const [name, { gamma, beta }] of this.norms)
      list.push([`${name}.weight`, gamma], [`${name}.bias`, beta]);
    return list.filter((entry): entry is [string, Float32Array] => entry[1] !== undefined);
  }

  /** Of each layer, by name. */
  grids(): [name: string, grid: WeightGrid][] {
    return [...this.linears].map(([name, { grid }]) => [name, grid]);
  }

  /** The arrays that an optimizer for steps moves, by name. */
  stepParameters(): [name: string, parameter: Float32Array][] {
    const list: [string, Float32Array][] = [['activations.step', this.activations.steps.relative]];
    for (const [name, { grid }] of this.linears) {
      if (grid.steps) list.push([`${name}.step`, grid.steps.relative]);
      if (grid.mantissa) list.push([`${name}.mantissa`, grid.mantissa]);
    }
    return list;
  }

  /** Arrays that only the start or observers write, by name. */
  constants(): [name: string, values: Float32Array | Int32Array][] {
    const { steps, zeroPoints, moving } = this.activations;
    const list: [string, Float32Array | Int32Array][] = [
      ['activations.base', steps.base],
      ['activations.zeroPoint', zeroPoints],
      ['activations.low', moving.low],
      ['activations.high', moving.high],
    ];
    for (const [name, { grid }] of this.linears) if (grid.steps) list.push([`${name}.base`, grid.steps.base]);
    return list;
  }

  private sink(program: Program, optimizer: Optimizer): GradientSink {
    const { activations, linears } = this;
    return {
      weight: (layer: string, gradient: Float32Array, stage: LinearStage) => {
        const { weight, grid } = linears.get(layer)!;
        if (this.isStarted) grid.backward(weight, stage, gradient);
        optimizer.update(weight, gradient);
      },
      bias: (layer: string, gradient: Float32Array) => optimizer.update(linears.get(layer)!.bias!, gradient),
      norm: (parameter: Float32Array, gradient: Float32Array) => optimizer.update(parameter, gradient),
      rounding: (grid: CodesGrid, codes: Uint8Array, positions: Float32Array, gradient: Float32Array) =>
        activations.backward(grid, codes, positions, gradient),
      fp8Rounding: (number: number, x: Float32Array, rounded: Float32Array, gradient: Float32Array) => {
        const range = program.fp8Ranges.get(number)!;
        const { inside } = activations.fp8Backward(range, x, rounded, gradient);
        for (const { op, inputs, output } of program.native.stages) {
          if (op !== 'floatLinear' || inputs[0] !== number) continue;
          const { grid } = linears.get(program.linears.get(output)!)!;
          if (grid instanceof Fp8WeightGrid) grid.addResidual(inside);
        }
      },
    };
  }

  private program(): Program {
    if (this.current !== undefined) return this.current;
    const graph = this.withParameters(this.isStarted ? ({ grid }) => grid.wish() : floatWish, false);
    const ranges = this.isStarted ? this.calibration(0, new Float32Array(0)) : null;
    this.current = this.programFor(graph, ranges);
    return this.current;
  }

  private programFor(graph: Graph, calibration: Calibration | null): Program {
    try {
      return programOf(lower(graph, calibration, quantizeSettings(graph, {})), graph);
    } catch (error) {
      this.checkFinite();
      throw error;
    }
  }

  /** The program of some ranges, for what values it rounds. */
  private anyProgram(): Program {
    for (const { weight, grid } of this.linears.values()) grid.start(weight);
    const graph = this.withParameters(({ grid }) => grid.wish(), false);
    const ranges = [...graph.values.keys()].map((name) => [name, { min: 0, max: 1 }] as const);
    return this.programFor(graph, makeCalibration('minmax', 0, ranges, new Float32Array(0)));
  }

  private narrowValues(): ReadonlySet<string> {
    const narrow = this.graph.nodes.filter(
      (node) => node.op === 'linear' && this.linears.get(node.name)!.grid.wish().activationBits === 4,
    );
    return new Set(narrow.map(({ inputs }) => inputs[0]!));
  }

  private checkFinite(): void {
    for (const [name, parameter] of this.parameters()) {
      const bad = findNonFinite(parameter);
      if (bad !== undefined)
        throw expected('ERR_DIVERGED', `finite numbers in '${name}'; try a smaller learning rate`, bad);
    }
  }

  /** `copied`: for others to keep. */
  private withParameters(wish: (linear: Linear) => LayerQuantization, copied: boolean): Graph {
    const own = (values: Float32Array) => (copied ? values.slice() : values);
    const nodes = this.graph.nodes.map((node): Node => {
      if (node.op === 'layerNorm') return withNorm(node, this.norms.get(node.name)!, own);
      if (node.op !== 'linear') return node;
      const linear = this.linears.get(node.name)!;
      return {
        ...node,
        weight: { format: 'float32', data: own(linear.weight) },
        ...(linear.bias && { bias: own(linear.bias) }),
        quantization: wish(linear),
      };
    });
    return { ...this.graph, nodes };
  }
}

const floatWish = (): LayerQuantization => ({ format: 'float32' });

function withNorm(
  node: LayerNormNode,
  { gamma, beta }: Norm,
  own: (values: Float32Array) => Float32Array,
): LayerNormNode {
  return { ...node, ...(gamma && { gamma: own(gamma) }), ...(beta && { beta: own(beta) }) };
}
