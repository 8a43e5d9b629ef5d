import { RequantError } from '../errors';
import type { Rounding } from '../quantization/rounding';
import { callNative } from '../runtime/native';
import type { Graph } from './graph';
import { type LoadedGraph, loadGraph, type Source } from './load-graph';
import { GraphModel } from './model';
import { type RuntimeOptions, type RuntimeSettings, runtimeSettings } from './runtime-options';

/** A quantized multilayer perceptron. Immutable; the same bits on every CPU. Made by `quantize` or `load`. */
export class QuantizedMLP extends GraphModel {
  readonly kind = 'quantized';

  private constructor(graph: Graph, metadata: Readonly<Record<string, string>>, settings: RuntimeSettings) {
    super(graph, metadata, settings);
    this.ready(); // bad parameters are found here, and the first run is as fast as the others
  }

  /** @internal */
  static fromGraph(
    graph: Graph,
    metadata: Readonly<Record<string, string>>,
    settings: RuntimeSettings,
  ): QuantizedMLP {
    return new QuantizedMLP(graph, metadata, settings);
  }

  /** @internal */
  static fromFile({ graph, metadata, runtime, bytes }: LoadedGraph): QuantizedMLP {
    const model = new QuantizedMLP(graph, metadata, runtimeSettings(runtime));
    callNative((addon) => addon.detachBuffer(bytes.buffer)); // nothing of the model is on it any more
    return model;
  }

  /** Errors: ERR_IO, ERR_FORMAT, ERR_VERSION, ERR_LIMIT, ERR_MODEL_KIND (a float model), ERR_OVERFLOW, ERR_UNSUPPORTED. */
  static async load(source: Source, options?: RuntimeOptions): Promise<QuantizedMLP> {
    const loaded = await loadGraph(source, options);
    if (loaded.graph.kind !== 'quantized')
      throw new RequantError('ERR_MODEL_KIND', 'expected a quantized model but received a float one');
    return QuantizedMLP.fromFile(loaded);
  }

  /** The rounding of the layers that do not name their own. */
  get rounding(): Rounding {
    return this.graph.rounding;
  }
}
