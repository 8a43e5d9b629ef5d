import type { LinearNode } from '../../models/graph';
import type { MLP } from '../../models/mlp';
import { floatWeight, type LinearChange, linearNodes, rebuilt } from '../rebuild';
import { eliminate, refitted, scoresOf } from './elimination';
import { type Evidence, weightScores } from './evidence';
import type { LossGradient } from './gradients';
import { type Hessian, hessianOf, inverseOf, type Moments, meansOf } from './hessian';
import { changeOf, floatRows, keptMeans } from './layer-rows';
import { marked } from './ranking';
import {
  BLOCK_HEIGHT,
  groupCount,
  groupRows,
  type UnitGrid,
  unitCount,
  unitSums,
  withoutUnits,
} from './units';

/** A layer whose units have been judged. */
interface Judged {
  readonly node: LinearNode;
  readonly grid: UnitGrid;
  readonly scores: Float64Array;
  /** Of 'obs'. */
  readonly hessian?: Hessian;
  /** Of its inputs, where the bias is to make up for them. */
  readonly means?: Float64Array | undefined;
}

const STEP = { step: 'prune' };

/**
 * Sets units of weights to 0 until `target` of them are: of each layer in order, the inputs of which are what the layers pruned
 * before show, or of all layers at once.
 */
export async function pruneWeights(model: MLP, target: number, evidence: Evidence): Promise<MLP> {
  const { layers, scope } = evidence.settings;
  const nodes = linearNodes(model.graph).filter(({ name }) => layers.has(name));
  const gradients = await evidence.gradients(model.graph);
  const changes = new Map<string, LinearChange>();
  for (const together of scope === 'global' ? [nodes] : nodes.map((node) => [node])) {
    using current = rebuilt(model, changes, STEP);
    const judged = await judge(current, together, gradients, evidence);
    const units = judged.reduce((sum, { grid }) => sum + unitCount(grid), 0);
    const removed = marked(
      judged.map(({ scores }) => scores),
      Math.round(target * units),
    );
    for (const [i, layer] of judged.entries())
      changes.set(layer.node.name, await without(layer, removed[i]!, evidence));
  }
  return rebuilt(model, changes, STEP);
}

async function judge(
  { graph }: MLP,
  nodes: readonly LinearNode[],
  gradients: ReadonlyMap<string, LossGradient>,
  evidence: Evidence,
): Promise<Judged[]> {
  const { settings } = evidence;
  const moments = await evidence.moments(
    graph,
    nodes.map(({ inputs }) => inputs[0]!),
  );
  const judged: Judged[] = [];
  for (const node of nodes) {
    const [outFeatures, inFeatures] = [node.output, node.inputs[0]!].map(
      (name) => graph.values.get(name)!.features,
    );
    const grid: UnitGrid = {
      height: settings.unit === 'block' ? BLOCK_HEIGHT : 1,
      outFeatures: outFeatures!,
      inFeatures: inFeatures!,
    };
    const own = moments.get(node.inputs[0]!);
    if (settings.saliency === 'obs') judged.push(await judgedBySurgeon(node, grid, own!, evidence));
    else {
      const scores = unitSums(grid, weightScores(node, settings, own, gradients.get(node.name)));
      judged.push({ node, grid, scores, means: node.bias && own && meansOf(own) });
    }
  }
  return judged;
}

async function judgedBySurgeon(
  node: LinearNode,
  grid: UnitGrid,
  moments: Moments,
  { settings, job }: Evidence,
): Promise<Judged> {
  const hessian = hessianOf(moments, node.bias !== undefined, settings.damping);
  const inverse = await inverseOf(hessian, job);
  const scores = new Float64Array(unitCount(grid));
  for (let g = 0; g < groupCount(grid); g++) {
    const rows = floatRows(node, grid.inFeatures, hessian.fixed === 1, groupRows(grid, g));
    scores.set(scoresOf(await eliminate(hessian, inverse, rows, job)), g * grid.inFeatures);
  }
  return { node, grid, scores, hessian };
}

async function without(
  { node, grid, hessian, means }: Judged,
  removed: Uint8Array,
  { job }: Evidence,
): Promise<LinearChange> {
  if (hessian === undefined) {
    const weight = withoutUnits(grid, floatWeight(node), removed);
    return { weight, ...(means && { bias: keptMeans(node, weight, means) }) };
  }
  const withConstant = hessian.fixed === 1;
  const fitted: Float64Array[] = [];
  for (let g = 0; g < groupCount(grid); g++) {
    const rows = floatRows(node, grid.inFeatures, withConstant, groupRows(grid, g));
    const own = removed.subarray(g * grid.inFeatures, (g + 1) * grid.inFeatures);
    fitted.push(...refitted(hessian, rows, own));
    await job.yieldWhenDue();
  }
  return changeOf(fitted, withConstant);
}
