import { type LoadOptions, loadGraph, type Source } from './load-graph';
import { MLP } from './mlp';
import { QuantizedMLP } from './quantized-mlp';

/** A model of either kind. Errors: as `MLP.load` and `QuantizedMLP.load`, without ERR_MODEL_KIND. */
export async function load(source: Source, options?: LoadOptions): Promise<MLP | QuantizedMLP> {
  const loaded = await loadGraph(source, options);
  return loaded.graph.kind === 'float'
    ? MLP.fromGraph(loaded.graph, loaded.metadata, loaded.runtime)
    : QuantizedMLP.fromFile(loaded);
}
