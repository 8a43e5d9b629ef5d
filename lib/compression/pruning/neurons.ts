import type { Graph, LinearNode } from '../../models/graph';
import { MLP } from '../../models/mlp';
import { floatWeight, type LinearChange, linearNodes, rebuilt } from '../rebuild';
import { eliminate, refitted, scoresOf } from './elimination';
import { type Evidence, weightScores } from './evidence';
import type { LossGradient } from './gradients';
import { type Hessian, hessianOf, inverseOf, type Moments, meansOf } from './hessian';
import { type HiddenLayer, hiddenLayers, isHidden } from './hidden';
import { changeOf, floatRows, keptMeans } from './layer-rows';
import { marked } from './ranking';
import { withoutNeurons } from './smaller';

/** Layers that read one value, and their common H. */
interface Readers {
  readonly value: string;
  readonly nodes: readonly LinearNode[];
  readonly hessian: Hessian;
}

interface Judged {
  readonly layer: HiddenLayer;
  readonly scores: Float64Array;
  /** Of the layers that read the neurons, what makes up for those that leave. */
  refit(removed: Uint8Array): Map<string, LinearChange>;
}

/** Hidden layers whose neurons may leave, as they are named by the settings. */
export function prunedLayers(graph: Graph, layers: ReadonlySet<string>): HiddenLayer[] {
  return hiddenLayers(graph)
    .filter(isHidden)
    .filter(({ writer }) => layers.has(writer.name));
}

/** Output features of each Linear layer. */
export function widths({ graph }: MLP): ReadonlyMap<string, number> {
  return new Map(linearNodes(graph).map(({ name, output }) => [name, graph.values.get(output)!.features]));
}

/**
 * Takes hidden neurons out until `target` of the `original` ones are gone: of each layer in order, whose inputs are what the
 * smaller model shows, or of all layers at once.
 */
export async function pruneNeurons(
  model: MLP,
  original: ReadonlyMap<string, number>,
  target: number,
  evidence: Evidence,
): Promise<MLP> {
  const { layers, scope } = evidence.settings;
  const names = prunedLayers(model.graph, layers).map(({ writer }) => writer.name);
  let smaller = model;
  for (const together of scope === 'global' ? [names] : names.map((name) => [name])) {
    const gradients = await evidence.gradients(smaller.graph);
    const judged: Judged[] = [];
    for (const layer of prunedLayers(smaller.graph, new Set(together)))
      judged.push(await judge(smaller.graph, layer, gradients, evidence));
    const before = together.reduce((sum, name) => sum + original.get(name)!, 0);
    const now = judged.reduce((sum, { scores }) => sum + scores.length, 0);
    const removed = marked(
      judged.map(({ scores }) => scores),
      Math.round(target * before) - (before - now),
    );
    for (const [i, { refit }] of judged.entries())
      smaller = rebuilt(smaller, refit(removed[i]!), { step: 'prune' });
    // The nodes have changed; where neurons are has not.
    const graph = judged.reduce(
      (last, { layer }, i) => withoutNeurons(last, layer, removed[i]!),
      smaller.graph,
    );
    smaller = MLP.fromGraph(graph, smaller.metadata);
  }
  return smaller;
}

/**
 * A neuron matters as much as its weights do, those that it reads with and those that read it; for a reconstruction loss the
 * latter alone: it is the loss of the layers that read it.
 */
async function judge(
  graph: Graph,
  layer: HiddenLayer,
  gradients: ReadonlyMap<string, LossGradient>,
  evidence: Evidence,
): Promise<Judged> {
  const { settings } = evidence;
  const moments = await evidence.moments(
    graph,
    layer.readers.map(({ inputs }) => inputs[0]!),
  );
  const neurons = graph.values.get(layer.writer.output)!.features;
  if (settings.saliency === 'obs') return judgedBySurgeon(graph, layer, moments, neurons, evidence);
  const scores = new Float64Array(neurons);
  for (const node of layer.readers)
    weightScores(node, settings, moments.get(node.inputs[0]!), gradients.get(node.name)).forEach(
      (score, i) => {
        scores[i % neurons]! += score;
      },
    );
  if (moments.size > 0)
    return { layer, scores, refit: (removed) => meansKept(layer.readers, moments, removed) };
  const own = weightScores(layer.writer, settings, undefined, gradients.get(layer.writer.name));
  const inFeatures = own.length / neurons;
  own.forEach((score, i) => {
    scores[Math.floor(i / inFeatures)]! += score;
  });
  return { layer, scores, refit: () => new Map() };
}

async function judgedBySurgeon(
  graph: Graph,
  layer: HiddenLayer,
  moments: ReadonlyMap<string, Moments>,
  neurons: number,
  { settings, job }: Evidence,
): Promise<Judged> {
  const scores = new Float64Array(neurons);
  const readers: Readers[] = [];
  for (const [value, sums] of moments) {
    const nodes = layer.readers.filter(({ inputs }) => inputs[0] === value);
    const withConstant = nodes.every(({ bias }) => bias !== undefined);
    const hessian = hessianOf(sums, withConstant, settings.damping);
    const rows = nodes.flatMap((node) => rowsOf(graph, node, withConstant));
    const elimination = await eliminate(hessian, await inverseOf(hessian, job), rows, job);
    scoresOf(elimination).forEach((score, neuron) => {
      scores[neuron]! += score;
    });
    readers.push({ value, nodes, hessian });
  }
  return { layer, scores, refit: (removed) => refit(graph, readers, removed) };
}

function rowsOf(graph: Graph, node: LinearNode, withConstant: boolean): Float64Array[] {
  const [outFeatures, inFeatures] = [node.output, node.inputs[0]!].map(
    (name) => graph.values.get(name)!.features,
  );
  return floatRows(node, inFeatures!, withConstant, { first: 0, end: outFeatures! });
}

/** 'obd': biases alone make up for what leaves. */
function meansKept(
  readers: readonly LinearNode[],
  moments: ReadonlyMap<string, Moments>,
  removed: Uint8Array,
): Map<string, LinearChange> {
  return new Map(
    readers.flatMap((node): [string, LinearChange][] => {
      if (node.bias === undefined) return [];
      const weight = floatWeight(node).map((w, i) => (removed[i % removed.length] ? 0 : w));
      return [[node.name, { bias: keptMeans(node, weight, meansOf(moments.get(node.inputs[0]!)!)) }]];
    }),
  );
}

function refit(graph: Graph, readers: readonly Readers[], removed: Uint8Array): Map<string, LinearChange> {
  const changes = new Map<string, LinearChange>();
  for (const { nodes, hessian } of readers) {
    const withConstant = hessian.fixed === 1;
    for (const node of nodes)
      changes.set(
        node.name,
        changeOf(refitted(hessian, rowsOf(graph, node, withConstant), removed), withConstant),
      );
  }
  return changes;
}
