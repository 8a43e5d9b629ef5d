import { createRequire } from 'node:module';
import path from 'node:path';
import { expected } from '../../errors';
import type { Graph } from '../../models/graph';
import type { encodeOnnx } from '../../models/onnx/export/index';
import { oneLine } from '../outcome';

/** What is used of onnxruntime-node. */
interface OrtTensor {
  readonly data: unknown;
}
interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(
    feeds: Readonly<Record<string, OrtTensor>>,
    fetches: Readonly<Record<string, OrtTensor>>,
  ): Promise<unknown>;
  release(): Promise<void>;
}
interface Ort {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<OrtSession> };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor;
}

/** onnxruntime-node as the user's folder has it. */
export interface Onnxruntime {
  readonly version: string;
  readonly ort: Ort;
  readonly encodeOnnx: typeof encodeOnnx;
}

/** The first one with Gelu: onnxruntime has it as one operator. */
const OPSET = 20;

const INSTALL = 'npm install onnxruntime-node @bufbuild/protobuf';

/** In words why there is none, and how to get it. */
export type Absent = { readonly absent: string };

/** Looks for onnxruntime-node from the folder `cwd` upwards, and for what writes ONNX files. */
export async function findOnnxruntime(cwd: string): Promise<Onnxruntime | Absent> {
  const require = createRequire(path.join(cwd, 'package.json'));
  try {
    require.resolve('onnxruntime-node');
  } catch {
    return { absent: `onnxruntime-node is not installed here (to measure it too: ${INSTALL})` };
  }
  process.env['ORT_DISABLE_TELEMETRY'] = '1'; // read when it loads
  try {
    const ort = require('onnxruntime-node') as Ort;
    const { version } = require('onnxruntime-node/package.json') as { version: string };
    const { encodeOnnx } = await import('../../models/onnx/export/index.js');
    return { version, ort, encodeOnnx };
  } catch (error) {
    return { absent: `onnxruntime-node does not load: ${oneLine(String(error))} (try ${INSTALL})` };
  }
}

/** A float model in ONNX Runtime, with its own number of threads. */
export class OrtModel {
  private constructor(
    private readonly ort: Ort,
    private readonly session: OrtSession,
    private readonly graph: Graph,
  ) {}

  static async make({ ort, encodeOnnx }: Onnxruntime, graph: Graph, threads: number): Promise<OrtModel> {
    const session = await ort.InferenceSession.create(encodeOnnx(graph, {}, OPSET), {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
    return new OrtModel(ort, session, graph);
  }

  /** A call on these rows, with tensors made once. Errors: ERR_PEER (its outputs are not `truth`). */
  async bind(rows: Float32Array, truth: Float32Array): Promise<() => Promise<unknown>> {
    const { ort, session, graph } = this;
    const tensor = (value: string, data: Float32Array) => {
      const { features } = graph.values.get(value)!;
      return new ort.Tensor('float32', data, [data.length / features, features]);
    };
    const outputs = new Float32Array(truth.length);
    const feeds = { [session.inputNames[0]!]: tensor(graph.input, rows) };
    const fetches = { [session.outputNames[0]!]: tensor(graph.output, outputs) };
    await session.run(feeds, fetches);
    const error = relativeError(truth, outputs);
    if (!(error <= MAX_ERROR))
      throw expected('ERR_PEER', `onnxruntime-node within ${MAX_ERROR} of the output's range`, error);
    return () => session.run(feeds, fetches);
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

/** Sums in another order differ by far less. */
const MAX_ERROR = 1e-3;

/** The largest difference, as a share of the largest output. */
function relativeError(truth: Float32Array, outputs: Float32Array): number {
  let [error, largest] = [0, 0];
  for (const [i, y] of truth.entries()) {
    const difference = Math.abs(outputs[i]! - y);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    error = Math.max(error, difference);
    largest = Math.max(largest, Math.abs(y));
  }
  return error === 0 ? 0 : error / largest;
}
