import { type LoadOptions, loadGraph, type Source } from './load-graph';
import { MLP } from './mlp';
import { QuantizedMLP } from './quantized-mlp';
import { runtimeSettings } from './runtime-options';

/** A model of either kind. Errors: as `MLP.load` and `QuantizedMLP.load`, without ERR_MODEL_KIND. */
export async function load(source: Source, options?: LoadOptions): Promise<MLP | QuantizedMLP> {
  const { graph, metadata, runtime } = await loadGraph(source, options);
  return graph.kind === 'float'
    ? MLP.fromGraph(graph, metadata, runtime)
    : QuantizedMLP.fromGraph(graph, metadata, runtimeSettings(runtime));
}
