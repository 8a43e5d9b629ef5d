import { expected, RequantError } from '../errors';
import { writeFileAtomically } from '../formats/atomic-write';
import { allocateFloats } from '../formats/sizes';
import { formatOfGrid } from '../fp8/grid';
import type { Format } from '../layers/layer';
import { checkOptionKeys } from '../runtime/checks';
import { type NativeRun, toRequantError } from '../runtime/native';
import { disposed, type Own, Plan } from '../runtime/plan';
import { checkRows, checkRunOptions, checkStillThere, rowsOf } from './arguments';
import { compile } from './compile';
import { encodeModel } from './encode';
import { type Graph, isCodes, nodeBytes, weightFormat } from './graph';
import { onPlan } from './on-plan';
import type { RuntimeSettings } from './runtime-options';

/** Row-major [rows, features]; rows = length / features, 0 rows allowed. Integers are codes of the model's port. */
export type Rows = Float32Array | Uint8Array | Int8Array;

/** real = scale · (code − zeroPoint); one scale, or (input only) one a feature; none where the port takes no codes. */
export interface Port {
  readonly features: number;
  readonly dtype: 'float32' | 'int8' | 'uint8';
  readonly scale?: Float32Array;
  readonly zeroPoint?: number;
}

/** timeout in ms from the call (ERR_TIMEOUT). The input is copied before `run` returns; `output` is the caller's again once settled. */
export interface RunOptions {
  signal?: AbortSignal;
  timeout?: number;
}

/** Of `save` and `toBytes`. */
export interface SaveOptions {
  /** The user's own keys, beside the model's; 'format' and 'requant' are taken. */
  metadata?: Readonly<Record<string, string>>;
}

/** One step of a model. `bytes`: its own tensors. */
export interface Stage {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly format: Format;
  readonly bytes: number;
}

/** Immutable. What MLP and QuantizedMLP share; take this type where either will do. */
export interface Model extends Disposable {
  readonly kind: 'float' | 'quantized';
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly input: Port;
  readonly output: Port;
  readonly metadata: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
  /**
   * Blocks; returns `output` or a new Float32Array. `output` holds exactly rows·outFeatures and may not overlap the input.
   * Errors: ERR_DTYPE, ERR_SHAPE, ERR_NAN_INPUT, ERR_ARGUMENT (overlap), ERR_DISPOSED, ERR_MEMORY.
   */
  runSync(input: Rows): Float32Array;
  /** The same into `output`. */
  runSync<O extends Rows>(input: Rows, output: O): O;
  /** The same off the event loop. Errors as `runSync`, and ERR_QUEUE_FULL, ERR_TIMEOUT; an abort rejects with `signal.reason`. */
  run(input: Rows, options?: RunOptions): Promise<Float32Array>;
  /** The same into `options.output`, which is the caller's again once the promise has settled. */
  run<O extends Rows>(input: Rows, options: RunOptions & { output: O }): Promise<O>;
  /** safetensors; writes a temporary file and renames it. Errors: ERR_IO, ERR_ARGUMENT. */
  save(path: string | URL, options?: SaveOptions): Promise<void>;
  /** Errors: ERR_ARGUMENT, ERR_DISPOSED (a quantized model: its weights are gone). */
  toBytes(options?: SaveOptions): Uint8Array;
  /** Frees native memory once running calls have ended; later calls: ERR_DISPOSED. Idempotent. */
  dispose(): void;
}

/** A graph with its compiled plan. The plan is made at the first run, or by `ready`. */
export abstract class GraphModel implements Model {
  abstract readonly kind: 'float' | 'quantized';
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly input: Port;
  readonly output: Port;
  readonly metadata: Readonly<Record<string, string>>;
  private graphNow: Graph;
  /** @internal */
  protected readonly settings: RuntimeSettings;
  private plan: Plan | undefined;
  /** The plan's own function, once it is compiled. */
  private runNative: NativeRun = this.compileAndRun;
  private disposed = false;
  private pending = 0;

  protected constructor(graph: Graph, metadata: Readonly<Record<string, string>>, settings: RuntimeSettings) {
    this.graphNow = graph;
    this.settings = settings;
    this.metadata = Object.freeze(Object.assign(Object.create(null) as Record<string, string>, metadata));
    this.input = portOf(graph, graph.input);
    this.output = portOf(graph, graph.output);
    this.inFeatures = this.input.features;
    this.outFeatures = this.output.features;
  }

  /** @internal */
  get graph(): Graph {
    return this.graphNow;
  }

  get stages(): readonly Stage[] {
    return this.graph.nodes.map((node) => ({
      name: node.name,
      op: node.op,
      inputs: node.inputs,
      output: node.output,
      format: node.op === 'linear' ? weightFormat(node.weight) : this.formatOf(node.output),
      bytes: nodeBytes(node, this.graph),
    }));
  }

  runSync(input: Rows): Float32Array;
  runSync<O extends Rows>(input: Rows, output: O): O;
  runSync(input: Rows, output?: Rows): Rows {
    if (output === undefined) output = allocateFloats(this.rowsOf(input) * this.outFeatures);
    try {
      // Checks everything; only where something is wrong the checks here say what.
      this.runNative(input, output);
    } catch (error) {
      this.rowsOf(input);
      checkRows('output', output, this.output);
      this.checkLive();
      throw toRequantError(error);
    }
    return output;
  }

  run(input: Rows, options?: RunOptions): Promise<Float32Array>;
  run<O extends Rows>(input: Rows, options: RunOptions & { output: O }): Promise<O>;
  async run(input: Rows, options: RunOptions & { output?: Rows } = {}): Promise<Rows> {
    const length = this.rowsOf(input) * this.outFeatures;
    checkRunOptions(options, this.output, length);
    this.checkQueue();
    const { output } = options;
    // Allocated here, where a refusal can be caught: the addon's own would end the process.
    const result = output ?? allocateFloats(length);
    await this.submit(input, result, output === undefined ? 'output' : 'none', options);
    checkStillThere(result, length);
    return result;
  }

  /** @internal See the function of this name. */
  async runInPlace(input: Rows, output: Rows, options: RunOptions): Promise<void> {
    this.checkQueue();
    await this.submit(input, output, 'both', options);
  }

  private checkQueue(): void {
    const { maxQueue } = this.settings;
    if (this.pending >= maxQueue)
      throw new RequantError(
        'ERR_QUEUE_FULL',
        `expected at most ${maxQueue} pending runs but received one more`,
      );
  }

  private async submit(input: Rows, output: Rows, own: Own, { signal, timeout }: RunOptions): Promise<void> {
    this.pending++;
    try {
      await this.ready().run(input, output, own, { signal, timeout });
    } finally {
      this.pending--;
    }
  }

  async save(path: string | URL, options?: SaveOptions): Promise<void> {
    await writeFileAtomically(path, this.toBytes(options));
  }

  toBytes(options?: SaveOptions): Uint8Array {
    checkOptionKeys('options', options, ['metadata']);
    const { metadata = {} } = options ?? {};
    if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
      throw expected('ERR_ARGUMENT', 'metadata to be an object of strings', metadata);
    return encodeModel(this.graph, { ...this.metadata, ...metadata });
  }

  dispose(): void {
    this.disposed = true;
    this.plan?.release();
    this.plan = undefined;
    this.runNative = this.compileAndRun; // which refuses
  }

  /** `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The plan, compiled if it is not yet. */
  protected ready(): Plan {
    this.checkLive();
    if (this.plan === undefined) {
      this.plan = new Plan(compile(this.graph), this.settings);
      this.runNative = this.plan.runNative;
      // The plan's packed weights are the only ones from now on.
      if (this.kind === 'quantized') this.graphNow = onPlan(this.graph, this.plan);
    }
    return this.plan;
  }

  private compileAndRun(input: Rows, output: Rows): void {
    this.ready().runNative(input, output);
  }

  protected checkLive(): void {
    if (this.disposed) throw disposed();
  }

  private formatOf(value: string): Format {
    const held = this.graph.values.get(value)!;
    if (held.dtype === 'fp8') return formatOfGrid(held.fp8);
    return isCodes(held) ? 'int8' : 'float32';
  }

  protected rowsOf(input: Rows): number {
    return rowsOf(input, this.input);
  }
}

/**
 * As `model.run`, on arrays that no one else touches: nothing is copied where the model allows it. Where this rejects,
 * a run that was cancelled may go on for a while, so that they must not be used again. Returns what the model does.
 */
export async function runInPlace(
  model: Model,
  input: Rows,
  output: Rows,
  options: RunOptions,
): Promise<Rows> {
  if (!(model instanceof GraphModel)) return model.run(input, { ...options, output });
  await model.runInPlace(input, output, options);
  return output;
}

function portOf(graph: Graph, name: string): Port {
  const value = graph.values.get(name)!;
  const { features } = value;
  return Object.freeze(
    isCodes(value)
      ? { features, dtype: value.dtype, scale: value.scale.slice(), zeroPoint: value.zeroPoint }
      : { features, dtype: 'float32' },
  );
}
