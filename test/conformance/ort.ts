import { createRequire } from 'node:module';
import path from 'node:path';
import { packageRoot } from '../../lib/package-root';

/** The array of each element type that the tests feed or read. */
interface OrtData {
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int32: Int32Array;
  int64: BigInt64Array;
}
type OrtType = keyof OrtData;

/** What is used of onnxruntime-node. */
export interface OrtTensor {
  readonly type: OrtType;
  readonly data: OrtData[OrtType];
  readonly dims: readonly number[];
}
interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}
interface Ort {
  readonly InferenceSession: { create(model: Uint8Array | string, options: object): Promise<OrtSession> };
  readonly Tensor: new (type: OrtType, data: OrtData[OrtType], dims: readonly number[]) => OrtTensor;
}

process.env['ORT_DISABLE_TELEMETRY'] = '1'; // read when it loads
const fromBench = createRequire(path.join(packageRoot, 'bench', 'package.json'));
const ort = fromBench('onnxruntime-node') as Ort;

export interface OrtOptions {
  /** What onnxruntime may rewrite in the graph: 'disabled' runs the operators as they stand. Default 'all'. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
}

/** A model in ONNX Runtime on one thread. */
export class OrtModel implements AsyncDisposable {
  private constructor(private readonly session: OrtSession) {}

  /** `model`: the bytes, or a path, beside which external data is looked for. */
  static async load(
    model: Uint8Array | string,
    { optimization = 'all' }: OrtOptions = {},
  ): Promise<OrtModel> {
    const settings = {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      graphOptimizationLevel: optimization,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    };
    return new OrtModel(await ort.InferenceSession.create(model, settings));
  }

  get inputNames(): readonly string[] {
    return this.session.inputNames;
  }

  get outputNames(): readonly string[] {
    return this.session.outputNames;
  }

  /** Outputs by name. `rows`: the only input, row-major [rows, features]; its type follows from the array's. */
  run(
    rows: Float32Array | Uint8Array | Int8Array,
    features: number,
  ): Promise<Readonly<Record<string, OrtTensor>>> {
    const type = rows instanceof Float32Array ? 'float32' : rows instanceof Uint8Array ? 'uint8' : 'int8';
    const [name] = this.inputNames;
    return this.session.run({ [name!]: new ort.Tensor(type, rows, [rows.length / features, features]) });
  }

  /** The data of the first output. */
  async runFirst(rows: Float32Array | Uint8Array | Int8Array, features: number): Promise<OrtData[OrtType]> {
    const [name] = this.outputNames;
    return (await this.run(rows, features))[name!]!.data;
  }

  /** For input of another rank or several inputs. */
  runTensors(
    feeds: Readonly<Record<string, { type: OrtType; data: OrtData[OrtType]; dims: readonly number[] }>>,
  ): Promise<Readonly<Record<string, OrtTensor>>> {
    return this.session.run(
      Object.fromEntries(
        Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.release();
  }
}

/** Largest |a − b| / max|row of b| over all rows: how far a model is from onnxruntime's. Infinity where only one is NaN. */
export function rowError(a: ArrayLike<number>, b: ArrayLike<number>, features: number): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let row = 0; row < b.length; row += features) {
    let [largest, difference] = [0, 0];
    for (let i = row; i < row + features; i++) {
      if (Object.is(a[i], b[i])) continue;
      if (!Number.isFinite(a[i]! - b[i]!)) return Number.POSITIVE_INFINITY;
      difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
    }
    for (let i = row; i < row + features; i++) largest = Math.max(largest, Math.abs(b[i]!));
    if (difference > 0) worst = Math.max(worst, difference / largest);
  }
  return worst;
}
