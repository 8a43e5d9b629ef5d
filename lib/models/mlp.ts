import type { Calibratable } from '../calibration/types';
import { RequantError } from '../errors';
import type { Layer } from '../layers/layer';
import { checkFloats, checkInteger } from '../runtime/checks';
import { valueNames } from './compile';
import { flatten } from './flatten';
import type { Graph } from './graph';
import { type LoadOptions, loadGraph, type Source } from './load-graph';
import { GraphModel } from './model';
import { Observer } from './observer';
import { type RuntimeOptions, runtimeSettings } from './runtime-options';
import { unflatten } from './unflatten';

/** A float32 multilayer perceptron. Immutable; the same bits on every CPU. */
export class MLP extends GraphModel implements Calibratable {
  readonly kind = 'float';
  private layerList: readonly Layer[] | undefined;
  private observer: Observer | undefined;

  /**
   * A missing `name` becomes the index in the list; missing weights are drawn with `seed` (default 0) by PyTorch's
   * Linear rule: uniform in ±1/√inFeatures.
   *
   * Errors: ERR_ARGUMENT, ERR_SHAPE (layers that do not fit), ERR_UNSUPPORTED.
   */
  constructor(layers: readonly Layer[], options?: RuntimeOptions & { seed?: number }) {
    const settings = runtimeSettings(options, ['seed']);
    const { seed } = options ?? {};
    if (seed !== undefined) checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
    // `fromGraph` hands over a graph in place of layers.
    super(
      layers instanceof ReadyGraph ? layers.graph : flatten(layers, seed),
      layers instanceof ReadyGraph ? layers.metadata : {},
      settings,
    );
  }

  /** @internal */
  static fromGraph(
    graph: Graph,
    metadata: Readonly<Record<string, string>> = {},
    options?: RuntimeOptions,
  ): MLP {
    return new MLP(new ReadyGraph(graph, metadata) as unknown as readonly Layer[], options);
  }

  /**
   * A float model from a path, file URL or bytes. safetensors from elsewhere (pairs `<name>.weight` [out, in] and
   * `<name>.bias`, in natural order; float32, float16 or bfloat16) needs `activation`.
   *
   * Errors: ERR_IO, ERR_FORMAT, ERR_SHAPE (layers that do not fit each other), ERR_VERSION, ERR_LIMIT, ERR_MODEL_KIND (a
   * quantized model), ERR_UNSUPPORTED, ERR_ARGUMENT, ERR_PEER (ONNX without @bufbuild/protobuf).
   */
  static async load(source: Source, options?: LoadOptions): Promise<MLP> {
    const { graph, metadata, runtime } = await loadGraph(source, options);
    if (graph.kind !== 'float')
      throw new RequantError('ERR_MODEL_KIND', 'expected a float model but received a quantized one');
    return MLP.fromGraph(graph, metadata, runtime);
  }

  /** The layers, with their names and weights (the model's own arrays: not to be changed). */
  get layers(): readonly Layer[] {
    this.layerList ??= unflatten(this.graph);
    return this.layerList;
  }

  /** Names of all values in order, the input first: what `ranges` of a calibration are named by. */
  get valueNames(): readonly string[] {
    return valueNames(this.graph);
  }

  /**
   * Runs the rows and shows every value, row-major [rows, features of that value].
   *
   * Errors: as `runSync`.
   */
  observe(rows: Float32Array, visit: (name: string, data: Float32Array) => void): void {
    checkFloats('rows', rows);
    this.rowsOf(rows);
    this.checkLive();
    this.observer ??= new Observer(this.graph, this.settings);
    this.observer.observe(rows, visit);
  }

  /** Frees native memory once running calls have ended; later calls: ERR_DISPOSED. Idempotent. */
  override dispose(): void {
    this.observer?.release();
    this.observer = undefined;
    super.dispose();
  }
}

/** A graph that is ready: what `fromGraph` gives to the constructor. */
class ReadyGraph {
  constructor(
    readonly graph: Graph,
    readonly metadata: Readonly<Record<string, string>>,
  ) {}
}
