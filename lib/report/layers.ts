import { Histogram } from '../calibration/histogram';
import { linearNodes } from '../compression/rebuild';
import { Difference } from '../difference';
import type { Graph, LinearNode } from '../models/graph';
import type { MLP } from '../models/mlp';
import { Observer } from '../models/observer';
import { Random } from '../random';
import type { Turn } from '../turn';
import { type LayerGrids, layerGrids } from './grids';
import type { ReportSettings } from './options';
import { FeatureMoments, pruningOf } from './saliency';
import { barsOf, decibelsOf, GridErrorSum, spreadToMedian, spreadToSmallest } from './tensors';
import type { LayerInFormat, ReportFormat, ReportLayer } from './types';
import type { Variant } from './variants';

/** Most numbers that one call shows, of all values of a model together. */
const CALL_VALUES = 2 ** 22;

/** The first and the last ones, where there are more than `most`. */
export function shownLayers(model: MLP, most: number): LinearNode[] {
  const all = linearNodes(model.graph);
  if (all.length <= most) return all;
  const last = Math.floor(most / 2);
  return [...all.slice(0, most - last), ...all.slice(all.length - last)];
}

/** At most `observedRows` of the rows, in their order, drawn with the seed. */
export function sampleRows(
  rows: Float32Array,
  features: number,
  { observedRows, seed }: ReportSettings,
): Float32Array {
  const count = rows.length / features;
  if (count <= observedRows) return rows;
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  new Random(seed).shuffle(order);
  const sample = new Float32Array(observedRows * features);
  order
    .subarray(0, observedRows)
    .sort()
    .forEach((row, i) => {
      sample.set(rows.subarray(row * features, (row + 1) * features), i * features);
    });
  return sample;
}

/** Runs the rows through the float model and its variants side by side and measures the layers. Errors: those of a run; signal.reason. */
export async function measureLayers(
  model: MLP,
  variants: readonly Variant[],
  rows: Float32Array,
  settings: ReportSettings,
  turn: Turn,
): Promise<ReportLayer[]> {
  const nodes = shownLayers(model, settings.maxLayers);
  const graphs = variants.flatMap(({ format, model: made }) => (made ? [{ format, graph: made.graph }] : []));
  const watches = nodes.map((node) => new LayerWatch(node, model.graph, graphs));
  using float = new Watch(model.graph);
  const others = graphs.map(({ format, graph }) => ({ format, watch: new Watch(graph) }));
  try {
    const { inFeatures } = model;
    const step = rowsPerCall(model.graph) * inFeatures;
    for (let at = 0; at < rows.length; at += step) {
      const part = rows.subarray(at, at + step);
      const reference = float.values(part);
      for (const watch of watches) watch.addInputs(reference);
      for (const { format, watch } of others) {
        const values = watch.values(part);
        for (const layer of watches) layer.addOutputs(format, values, reference);
      }
      const done = Math.min(at + step, rows.length) / inFeatures;
      settings.onProgress({ step: 'observe', done, total: rows.length / inFeatures });
      await turn.yieldWhenDue();
    }
    return watches.map((watch) => watch.result());
  } finally {
    for (const { watch } of others) watch[Symbol.dispose]();
  }
}

function rowsPerCall({ values }: Graph): number {
  let features = 0;
  for (const value of values.values()) features += value.features;
  return Math.max(1, Math.floor(CALL_VALUES / features));
}

type Values = ReadonlyMap<string, Float32Array>;

/** The values of a model by name, as real numbers. */
class Watch implements Disposable {
  private readonly observer: Observer;

  constructor(graph: Graph) {
    this.observer = new Observer(graph, { nanIsZero: false });
  }

  values(rows: Float32Array): Values {
    const values = new Map<string, Float32Array>();
    this.observer.observe(rows, (name, data) => values.set(name, data));
    return values;
  }

  [Symbol.dispose](): void {
    this.observer.release();
  }
}

interface InFormat {
  readonly grids: LayerGrids | undefined;
  /** Of the layer's value in the quantized model, behind a fused activation; the float model has it by the same name. */
  readonly output: string;
  readonly difference: Difference;
  readonly inputs: GridErrorSum;
}

/** What is known of one layer, as values come. */
class LayerWatch {
  private readonly input: string;
  private readonly histogram = new Histogram();
  private readonly inputMaxima: Float64Array;
  private readonly inputMoments: FeatureMoments;
  private readonly formats = new Map<ReportFormat, InFormat>();

  constructor(
    private readonly node: LinearNode,
    private readonly float: Graph,
    variants: readonly { format: ReportFormat; graph: Graph }[],
  ) {
    this.input = node.inputs[0]!;
    this.inputMaxima = new Float64Array(this.features(this.input));
    this.inputMoments = new FeatureMoments(this.features(this.input));
    for (const { format, graph } of variants) {
      const own = linearNodes(graph).find(({ name }) => name === node.name);
      if (own === undefined || !float.values.has(own.output)) continue;
      const grids = layerGrids(graph, own, format);
      this.formats.set(format, {
        grids,
        output: own.output,
        difference: new Difference(),
        inputs: new GridErrorSum(),
      });
    }
  }

  addInputs(values: Values): void {
    const data = values.get(this.input)!;
    this.histogram.observe(data);
    raiseMaxima(this.inputMaxima, data);
    this.inputMoments.add(data);
    for (const { inputs, grids } of this.formats.values())
      if (grids) inputs.add(data, grids.activations.error);
  }

  addOutputs(format: ReportFormat, values: Values, reference: Values): void {
    const inFormat = this.formats.get(format);
    inFormat?.difference.add(values.get(inFormat.output)!, reference.get(inFormat.output)!);
  }

  result(): ReportLayer {
    const { name, weight, output } = this.node;
    const weights = weight.data as Float32Array;
    const outFeatures = this.features(output);
    const inFeatures = this.features(this.input);
    const histogram = new Histogram();
    histogram.observe(weights);
    const grids = [...this.formats.values()].flatMap(({ grids }) => grids ?? []);
    const formats: Partial<Record<ReportFormat, LayerInFormat>> = {};
    for (const [format, inFormat] of this.formats) {
      const measured = resultOf(inFormat, weights);
      if (measured !== undefined) formats[format] = measured;
    }
    return {
      name,
      inFeatures,
      outFeatures,
      weights: {
        min: histogram.min,
        max: histogram.max,
        histogram: barsOf(histogram),
        grids: grids.flatMap((grid) => grid.weights.drawn),
      },
      activations: {
        min: this.histogram.min,
        max: this.histogram.max,
        histogram: barsOf(this.histogram),
        grids: grids.flatMap((grid) => grid.activations.drawn),
      },
      weightSpread: spreadToSmallest(rowMaxima(weights, outFeatures)),
      activationSpread: spreadToMedian(this.inputMaxima),
      pruning: pruningOf(this.float, this.node, this.inputMoments),
      formats,
    };
  }

  private features(value: string): number {
    return this.float.values.get(value)!.features;
  }
}

function resultOf({ grids, difference, inputs }: InFormat, weights: Float32Array): LayerInFormat | undefined {
  if (grids === undefined) return undefined;
  const { sqnrDb, cosine } = difference.result();
  return {
    output: { sqnrDb: decibelsOf(sqnrDb), cosine },
    weights: new GridErrorSum().add(weights, grids.weights.error).result(),
    activations: inputs.result(),
  };
}

/** max|x| of each feature, of data [rows, features]. */
function raiseMaxima(maxima: Float64Array, data: Float32Array): void {
  const features = maxima.length;
  for (let i = 0; i < data.length; i++) {
    const magnitude = Math.abs(data[i]!);
    if (magnitude > maxima[i % features]!) maxima[i % features] = magnitude;
  }
}

/** max|w| of each output feature, of weights [outFeatures, inFeatures]. */
function rowMaxima(weights: Float32Array, outFeatures: number): Float64Array {
  const inFeatures = weights.length / outFeatures;
  return Float64Array.from({ length: outFeatures }, (_, n) => {
    let max = 0;
    for (let k = n * inFeatures; k < (n + 1) * inFeatures; k++) max = Math.max(max, Math.abs(weights[k]!));
    return max;
  });
}
