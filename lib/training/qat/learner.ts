import type { Calibration } from '../../calibration/types';
import { expected } from '../../errors';
import type { Graph } from '../../models/graph';
import { type CheckedDataset, gatherInputs } from '../dataset';
import { type Fingerprint, graphHash } from '../fingerprint';
import { lossValue } from '../float-learner';
import { type BatchResult, copyState, type Learner, type LearnerState } from '../loop';
import { LOSSES, type Loss, type LossName } from '../loss';
import { createOptimizer, type Optimizer, type OptimizerOptions } from '../optimizer';
import { LearningRate, type Schedule } from '../schedule';
import type { ForwardPass } from './forward';
import { QuantizedNetwork } from './network';
import type { QatSettings } from './options';

/** The first rows of the data that steps and ranges start from. */
const START_ROWS = 1024;

export interface LearnerOptions {
  readonly loss: LossName;
  readonly optimizer: OptimizerOptions;
  readonly schedule: Schedule;
  /** Of the whole training. */
  readonly steps: number;
  readonly settings: QatSettings;
}

/** A network whose forward pass is the quantized model's, with its loss and optimizers. */
export class QuantizedLearner implements Learner {
  private readonly network: QuantizedNetwork;
  private readonly weights: Optimizer;
  private readonly steps: Optimizer;
  private readonly loss: Loss;
  private readonly output: string;
  private readonly rate: LearningRate;

  /** @throws {RequantError} ERR_ARGUMENT (optimizer), ERR_UNSUPPORTED */
  constructor(
    private readonly graph: Graph,
    private readonly options: LearnerOptions,
  ) {
    const { loss, optimizer, schedule, steps, settings } = options;
    this.rate = new LearningRate(optimizer.learningRate, schedule, steps);
    this.network = new QuantizedNetwork(graph, settings.method, settings.gridOf);
    this.weights = createOptimizer(optimizer);
    this.steps = createOptimizer(optimizer);
    this.loss = LOSSES[loss];
    this.output = lossValue(graph, loss);
  }

  identity(): Fingerprint {
    return { kind: 'quantized', ...this.settings(), model: graphHash(this.graph) };
  }

  /** What was asked for, for people. */
  settings() {
    const { loss, optimizer, settings } = this.options;
    const { type, momentum = 0 } = optimizer;
    return {
      loss,
      optimizer: type,
      ...this.rate.identity(),
      ...(type === 'sgd' && { momentum }),
      ...settings.summary,
    };
  }

  beginEpoch(epoch: number): void {
    this.rate.epoch = epoch;
  }

  step(data: CheckedDataset, rows: Uint32Array): BatchResult {
    const { delay, stepRate } = this.options.settings;
    if (!this.network.started && this.rate.done >= delay) this.network.start(firstRows(data));
    const { result, gradient, pass } = this.evaluate(data, rows);
    this.network.observe(pass);
    this.weights.learningRate = this.rate.now;
    this.steps.learningRate = this.rate.now * stepRate;
    this.rate.done++;
    this.network.learn(pass, gradient, this.weights, this.steps);
    return result;
  }

  judge(data: CheckedDataset, rows: Uint32Array): BatchResult {
    return this.evaluate(data, rows).result;
  }

  state(): LearnerState {
    const tensors: Record<string, LearnerState['tensors'][string]> = {};
    for (const [name, values] of this.network.constants()) tensors[name] = values;
    const add = (optimizer: Optimizer, parameters: [string, Float32Array][]) => {
      for (const [name, parameter] of parameters) {
        tensors[name] = parameter;
        for (const [slot, values] of Object.entries(optimizer.slots(parameter)))
          tensors[`${name}.${slot}`] = values;
      }
    };
    add(this.weights, this.network.parameters());
    add(this.steps, this.network.stepParameters());
    const numbers = { ...this.weights.numbers, done: this.rate.done, started: Number(this.network.started) };
    return { tensors, numbers };
  }

  restore(state: LearnerState): void {
    const { done, started, ...numbers } = state.numbers;
    if (done === undefined || started === undefined)
      throw expected('ERR_FORMAT', 'done and started of quantization-aware training', undefined);
    copyState(this.state().tensors, state.tensors);
    // Both optimizers have made as many steps.
    this.weights.numbers = numbers;
    this.steps.numbers = numbers;
    this.rate.done = done;
    this.network.restarted(started === 1);
  }

  snapshot(): Graph {
    return this.network.snapshot();
  }

  /** Starts the grids where no batch has come as far. */
  calibration(data: CheckedDataset): Calibration {
    const kept = firstRows(data);
    if (!this.network.started) this.network.start(kept);
    return this.network.calibration(data.rows, kept);
  }

  private evaluate(
    data: CheckedDataset,
    rows: Uint32Array,
  ): { result: BatchResult; gradient: Float32Array; pass: ForwardPass } {
    const input = new Float32Array(rows.length * data.inFeatures);
    gatherInputs(data, rows, input);
    const pass = this.network.forward(input, this.output);
    const y = pass.real(pass.output);
    const gradient = new Float32Array(y.length);
    return { result: this.loss(y, data, rows, gradient), gradient, pass };
  }
}

function firstRows(data: CheckedDataset): Float32Array {
  const length = Math.min(data.rows, START_ROWS);
  const rows = new Float32Array(length * data.inFeatures);
  gatherInputs(
    data,
    Uint32Array.from({ length }, (_, i) => i),
    rows,
  );
  return rows;
}
