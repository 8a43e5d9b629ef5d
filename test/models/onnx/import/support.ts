import { decodeModel } from '../../../../lib/formats/onnx';
import type { Graph } from '../../../../lib/models/graph';
import { MLP } from '../../../../lib/models/mlp';
import { importGraph } from '../../../../lib/models/onnx/import';
import { OnnxBuilder } from '../../../support/onnx-builder';

export interface Options {
  readonly opset?: number;
  /** Of the input, behind the batch; [3] by default. */
  readonly sizes?: readonly number[];
  readonly batch?: number | string;
}

/** The graph that `build` makes of the input 'x'. */
export async function imported(
  build: (b: OnnxBuilder) => string,
  { opset = 17, sizes = [3], batch = 'batch' }: Options = {},
): Promise<Graph> {
  const b = new OnnxBuilder(opset);
  return importGraph(await decodeModel(b.encode(sizes, build(b), batch)));
}

export const ops = ({ nodes }: Graph) => nodes.map(({ op }) => op);

/** What the graph computes of these rows. */
export function run(graph: Graph, rows: readonly number[]): number[] {
  using model = MLP.fromGraph(graph);
  return [...model.runSync(Float32Array.from(rows))];
}

/** Features 3 → 3 that add up to nothing special: weights 1…9 in rows, biases 10, 20, 30. */
export function dense(b: OnnxBuilder, x = 'x'): string {
  const weight = b.floats(
    Float32Array.from({ length: 9 }, (_, i) => i + 1),
    [3, 3],
  );
  return b.node('Gemm', [x, weight, b.floats(Float32Array.of(10, 20, 30))], { transB: { int: 1 } });
}
