import { type LoadedGraph, type LoadOptions, loadGraph, type Source } from './load-graph';
import { MLP } from './mlp';
import { QuantizedMLP } from './quantized-mlp';

/** A model of either kind. Errors: as `MLP.load` and `QuantizedMLP.load`, without ERR_MODEL_KIND. */
export async function load(source: Source, options?: LoadOptions): Promise<MLP | QuantizedMLP> {
  return modelOf(await loadGraph(source, options));
}

/** @internal */
export function modelOf(loaded: LoadedGraph): MLP | QuantizedMLP {
  return loaded.graph.kind === 'float'
    ? MLP.fromGraph(loaded.graph, loaded.metadata, loaded.runtime)
    : QuantizedMLP.fromFile(loaded);
}
