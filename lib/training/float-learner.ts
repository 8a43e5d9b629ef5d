import type { Graph } from '../models/graph';
import { type CheckedDataset, gatherInputs } from './dataset';
import { type Fingerprint, graphHash } from './fingerprint';
import { KeptZeros } from './kept-zeros';
import { type BatchResult, copyState, type Learner, type LearnerState } from './loop';
import { LOSSES, type Loss, type LossName } from './loss';
import { Network } from './network';
import { createOptimizer, type Optimizer, type OptimizerOptions } from './optimizer';

/** A float network with its loss and optimizer. */
export class FloatLearner implements Learner {
  private readonly network: Network;
  private readonly optimizer: Optimizer;
  private readonly loss: Loss;
  /** The value that the loss is taken of. */
  private readonly output: string;
  private readonly zeros: KeptZeros | undefined;
  private readonly input = new Reused();
  private readonly gradient = new Reused();

  /** @throws {RequantError} ERR_ARGUMENT (optimizer) */
  constructor(
    private readonly graph: Graph,
    private readonly lossName: LossName,
    private readonly optimizerOptions: OptimizerOptions,
    private readonly keepZeros = false,
  ) {
    this.network = new Network(graph);
    this.zeros = keepZeros ? new KeptZeros(this.network) : undefined;
    this.optimizer = createOptimizer(optimizerOptions);
    this.loss = LOSSES[lossName];
    this.output = lossValue(graph, lossName);
  }

  identity(): Fingerprint {
    return { kind: 'float', ...this.settings(), model: graphHash(this.graph) };
  }

  /** What was asked for, for people. */
  settings() {
    const { type, learningRate, momentum = 0 } = this.optimizerOptions;
    return {
      loss: this.lossName,
      optimizer: type,
      learningRate,
      ...(type === 'sgd' && { momentum }),
      ...(this.keepZeros && { keepZeros: true }),
    };
  }

  step(data: CheckedDataset, rows: Uint32Array): BatchResult {
    const { result, gradient } = this.evaluate(data, rows);
    this.optimizer.beginStep();
    this.network.backward(this.output, gradient, (parameter, g) => {
      this.zeros?.hold(parameter, g);
      this.optimizer.update(parameter, g);
    });
    return result;
  }

  judge(data: CheckedDataset, rows: Uint32Array): BatchResult {
    return this.evaluate(data, rows).result;
  }

  state(): LearnerState {
    const { numbers } = this.optimizer;
    const tensors: Record<string, Float32Array> = {};
    for (const [name, parameter] of this.network.parameters()) {
      tensors[name] = parameter;
      for (const [slot, values] of Object.entries(this.optimizer.slots(parameter)))
        tensors[`${name}.${slot}`] = values;
    }
    return { tensors, numbers };
  }

  restore(state: LearnerState): void {
    copyState(this.state().tensors, state.tensors);
    this.optimizer.numbers = state.numbers;
  }

  /** The graph with the weights as they are now. */
  snapshot(): Graph {
    return this.network.snapshot();
  }

  /** Forward over some rows, the loss, and its gradient at the output. */
  private evaluate(data: CheckedDataset, rows: Uint32Array): { result: BatchResult; gradient: Float32Array } {
    const input = this.input.of(rows.length * data.inFeatures);
    gatherInputs(data, rows, input);
    const y = this.network.forward(input, this.output);
    const gradient = this.gradient.of(y.length);
    return { result: this.loss(y, data, rows, gradient), gradient };
  }
}

/** Memory for arrays that live for a step. */
class Reused {
  private memory = new Float32Array(0);

  of(length: number): Float32Array {
    if (this.memory.length < length) this.memory = new Float32Array(length);
    return this.memory.subarray(0, length);
  }
}

/** Cross-entropy holds its own softmax: one at the end of the model is left out. */
export function lossValue({ nodes, output }: Graph, loss: LossName): string {
  const last = nodes.find((node) => node.output === output);
  const isSoftmax = last?.op === 'softmax' || last?.op === 'logSoftmax';
  return loss === 'crossEntropy' && isSoftmax ? last.inputs[0]! : output;
}
