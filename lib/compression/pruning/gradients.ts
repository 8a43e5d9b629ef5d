import { allocateFloats } from '../../formats/sizes';
import type { Graph, LinearNode } from '../../models/graph';
import { callNative } from '../../runtime/native';
import { type CheckedDataset, gatherInputs } from '../../training/dataset';
import { lossValue } from '../../training/float-learner';
import { LOSSES, type LossName } from '../../training/loss';
import { Network } from '../../training/network';
import type { Job } from '../job';
import { linearNodes } from '../rebuild';

/** Of a Linear layer's weights [outFeatures, inFeatures], over rows of data, in float64. */
export interface LossGradient {
  /** ∂L/∂w, L the mean loss. */
  readonly gradient: Float64Array;
  /** The mean over rows of (∂l/∂w)², l a row's loss: the diagonal of the empirical Fisher information. */
  readonly fisher: Float64Array;
}

const BATCH_ROWS = 256;

/** By the node's name. The loss is that of `train`. Errors: signal.reason. */
export async function lossGradients(
  graph: Graph,
  data: CheckedDataset,
  rows: Uint32Array,
  lossName: LossName | undefined,
  job: Job,
): Promise<ReadonlyMap<string, LossGradient>> {
  const name = lossName ?? (data.hasClasses ? 'crossEntropy' : 'mse');
  const network = new Network(graph);
  const output = lossValue(graph, name);
  const sums = new Map(
    linearNodes(graph).map((node) => [node, zeros((node.weight.data as Float32Array).length)]),
  );
  for (let start = 0; start < rows.length; start += BATCH_ROWS) {
    const batch = rows.subarray(start, start + BATCH_ROWS);
    const input = allocateFloats(batch.length * data.inFeatures);
    gatherInputs(data, batch, input);
    const y = network.forward(input, output);
    const gradient = allocateFloats(y.length);
    LOSSES[name](y, data, batch, gradient);
    network.backward(output, gradient, () => {});
    for (const [node, sum] of sums) {
      const dy = network.gradientOf(node.output);
      addProducts(graph, node, sum, dy, network.valueOf(node.inputs[0]!), batch.length / rows.length);
    }
    await job.yieldWhenDue();
  }
  return new Map([...sums].map(([node, sum]) => [node.name, sum]));
}

function zeros(length: number): LossGradient {
  return { gradient: new Float64Array(length), fisher: new Float64Array(length) };
}

/**
 * A row's gradient is the product of its dy and x, so that of its squares is the product of theirs. `dy` is of the mean over
 * the batch, which is `share` of all rows.
 */
function addProducts(
  graph: Graph,
  node: LinearNode,
  sum: LossGradient,
  dy: Float32Array,
  x: Float32Array,
  share: number,
): void {
  const [n, k] = [node.output, node.inputs[0]!].map((name) => graph.values.get(name)!.features);
  const rows = dy.length / n!;
  const product = (a: Float32Array, b: Float32Array) =>
    callNative((addon) => addon.floatProduct(a, b, n!, k!, rows, true, true, allocateFloats(n! * k!)));
  const square = (values: Float32Array) => values.map((v) => v * v);
  const gradient = product(dy, x);
  // dy of a row's own loss is `rows` times as large.
  const fisher = product(square(dy.map((v) => v * rows)), square(x));
  for (let i = 0; i < gradient.length; i++) {
    sum.gradient[i]! += share * gradient[i]!;
    sum.fisher[i]! += (share * fisher[i]!) / rows;
  }
}
