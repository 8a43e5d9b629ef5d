import { Random } from '../../lib/random';
import type { Dataset } from '../../lib/training';
import type { CheckedDataset } from '../../lib/training/dataset';
import { type BatchResult, copyState, type Learner, type LearnerState } from '../../lib/training/loop';

/** Two moons: not separable by a line. */
export function moons(rows: number, seed: number): Dataset {
  const random = new Random(seed);
  const inputs = new Float32Array(rows * 2);
  const targets = new Uint8Array(rows);
  for (let r = 0; r < rows; r++) {
    const moon = r % 2;
    const angle = random.uniform() * Math.PI;
    inputs[2 * r] = (moon ? 1 - Math.cos(angle) : Math.cos(angle)) + 0.1 * (random.uniform() - 0.5);
    inputs[2 * r + 1] = (moon ? 0.5 - Math.sin(angle) : Math.sin(angle)) + 0.1 * (random.uniform() - 0.5);
    targets[r] = moon;
  }
  return { inputs, targets };
}

/** Its weights are a checksum of all rows that it was given, in their order. */
export class Checksum implements Learner {
  readonly sums = new Int32Array(2);
  steps = 0;
  readonly calls: string[] = [];

  constructor(private readonly lossOf: (row: number) => number = () => 1) {}

  identity() {
    return { kind: 'checksum' };
  }

  beginEpoch(epoch: number): void {
    this.calls.push(`epoch ${epoch}`);
  }

  step(_data: CheckedDataset, rows: Uint32Array): BatchResult {
    this.calls.push(`step ${rows.length}`);
    this.steps++;
    for (const row of rows) {
      this.sums[0] = Math.imul(this.sums[0]!, 31) + row;
      this.sums[1] = (this.sums[1]! ^ row) << 1;
    }
    return this.result(rows);
  }

  judge(_data: CheckedDataset, rows: Uint32Array): BatchResult {
    this.calls.push(`judge ${rows.length}`);
    return this.result(rows);
  }

  state(): LearnerState {
    return { tensors: { sums: this.sums }, numbers: { steps: this.steps } };
  }

  restore({ tensors, numbers }: LearnerState): void {
    copyState(this.state().tensors, tensors);
    this.steps = numbers['steps']!;
  }

  private result(rows: Uint32Array): BatchResult {
    return { loss: rows.reduce((sum, row) => sum + this.lossOf(row), 0), correct: rows.length - 1 };
  }
}
