import { count } from '../../words';
import type { Plots } from '../drawings';
import { cosine, decibels, number, smallShare } from '../figures';
import { type Cell, figure, type Html, html, plot, table } from '../markup';
import { FORMAT_COLORS, FORMAT_NAMES } from '../names';
import {
  type GridError,
  type LayerInFormat,
  REPORT_FORMATS,
  type ReportData,
  type ReportFormat,
  type ReportGrid,
  type ReportLayer,
  type ReportTensor,
} from '../types';

/** The layers beside each other: how well each comes out, and which of them costs the outputs most. */
export function layersSection(data: ReportData, plots: Plots): Html {
  const { layers, sensitivity } = data;
  if (layers.length === 0) return html``;
  const formats = formatsOf(layers);
  return html`<section aria-labelledby="layers">
<h2 id="layers">Layers</h2>
<div class="plots">
${plot(
  plots.barPlot(
    layers.map(({ name }) => name),
    formats.map((format) => ({
      name: FORMAT_NAMES[format],
      color: FORMAT_COLORS[format],
      values: layers.map((layer) => layer.formats[format]?.output.sqnrDb ?? null),
      none: '∞',
    })),
    'SQNR of the layer’s output, dB',
    { id: 'layers-sqnr', title: 'SQNR of each layer’s output by format' },
  ),
  html`Each layer’s output against the float model’s, with the errors of the layers before it. ${legend(formats)}`,
)}
${
  sensitivity.length === 0
    ? undefined
    : plot(
        plots.barPlot(
          sensitivity.map(({ name }) => name),
          [
            {
              name: 'int8',
              color: FORMAT_COLORS.int8,
              values: sensitivity.map(({ sqnrDb }) => sqnrDb),
              none: '∞',
            },
          ],
          'SQNR of the model’s output, dB',
          {
            id: 'layers-sensitivity',
            title: 'SQNR of the output where one layer alone is int8, worst first',
          },
        ),
        'Sensitivity: the model’s output where this layer alone is int8. The shortest bar costs most.',
      )
}
</div>
${outputTable(layers)}
${sensitivity.length === 0 ? undefined : sensitivityTable(data)}
</section>`;
}

/** A layer a part: what its weights and inputs look like, and how they fit on the grids. */
export function detailSections(data: ReportData, plots: Plots): Html {
  if (data.layers.length === 0) return html``;
  return html`<section aria-labelledby="tensors">
<h2 id="tensors">Weights and activations</h2>
<p>How often each value occurs, on a logarithmic scale. Below the bars are the numbers that each format can hold, one tick
each where there is room; beyond the dashed lines int8 clips.</p>
${data.layers.map((layer, i) => detail(layer, i, plots))}
</section>`;
}

function formatsOf(layers: readonly ReportLayer[]): ReportFormat[] {
  return REPORT_FORMATS.filter((format) => layers.some(({ formats }) => formats[format] !== undefined));
}

function legend(formats: readonly ReportFormat[]): Html {
  return html`<span class="legend">${formats.map((format) => html`<span><i class="${format}"></i>${FORMAT_NAMES[format]}</span>`)}</span>`;
}

function outputTable(layers: readonly ReportLayer[]): Html {
  return table(
    'Layer outputs against float32',
    [
      { name: 'Layer' },
      { name: 'Shape' },
      { name: 'Format' },
      { name: 'SQNR, dB', isNumber: true },
      { name: 'Cosine', isNumber: true },
    ],
    inFormats(layers, (layer, format, inFormat, key) => [
      layer.name,
      shape(layer),
      FORMAT_NAMES[format],
      figure(key('output/sqnrDb'), decibels(inFormat.output.sqnrDb)),
      figure(key('output/cosine'), cosine(inFormat.output.cosine)),
    ]),
  );
}

function sensitivityTable({ sensitivity }: ReportData): Html {
  return table(
    'Sensitivity: the model’s output where one layer alone is int8, worst first',
    [{ name: 'Layer' }, { name: 'SQNR of the output, dB', isNumber: true }],
    sensitivity.map(({ name, sqnrDb }, i) => [name, figure(`sensitivity/${i}/sqnrDb`, decibels(sqnrDb))]),
  );
}

function inFormats(
  layers: readonly ReportLayer[],
  row: (
    layer: ReportLayer,
    format: ReportFormat,
    inFormat: LayerInFormat,
    key: (field: string) => string,
  ) => Cell[],
): Cell[][] {
  return layers.flatMap((layer, i) =>
    REPORT_FORMATS.flatMap((format) => {
      const inFormat = layer.formats[format];
      if (inFormat === undefined) return [];
      return [row(layer, format, inFormat, (field) => `layers/${i}/formats/${format}/${field}`)];
    }),
  );
}

function detail(layer: ReportLayer, index: number, plots: Plots): Html {
  const { name, weights, activations } = layer;
  return html`<article>
<h3>${name} <small>${shape(layer)}</small></h3>
<div class="plots">
${histogram(weights, `Weights of ${name}`, `layer-${index}-weights`, `layers/${index}/weights`, plots)}
${histogram(activations, `Inputs of ${name}`, `layer-${index}-inputs`, `layers/${index}/activations`, plots)}
</div>
${errorTable(layer, index)}
</article>`;
}

function histogram(tensor: ReportTensor, title: string, id: string, key: string, plots: Plots): Html {
  const values = tensor.histogram.counts.reduce((sum, n) => sum + n, 0) + tensor.histogram.zeros;
  const zeros = values === 0 ? 0 : (100 * tensor.histogram.zeros) / values;
  return plot(
    plots.histogramPlot(tensor, { id, title: `${title}: histogram with the grids` }),
    html`<b>${title}</b>, <span data-key="${key}/min">${number(tensor.min)}</span> to
<span data-key="${key}/max">${number(tensor.max)}</span>${zeros === 0 ? undefined : `; ${smallShare(zeros)} are exactly 0 and not drawn`}. ${gridLegend(tensor.grids)}`,
  );
}

function gridLegend(grids: readonly ReportGrid[]): Html {
  const entry = ({ format, label, min, max, step }: ReportGrid): Html =>
    html`<span><i class="${format}"></i>${label}: ${number(min)} to ${number(max)}${step === null ? undefined : `, step ${number(step)}`}</span>`;
  return html`<span class="legend">${grids.map(entry)}</span>`;
}

function errorTable(layer: ReportLayer, index: number): Html {
  const row =
    (what: string, of: (inFormat: LayerInFormat) => GridError, field: string) =>
    (_: ReportLayer, format: ReportFormat, inFormat: LayerInFormat): Cell[] => {
      const key = (name: string): string => `layers/${index}/formats/${format}/${field}/${name}`;
      const { sqnrDb, rounding, clipping, saturated } = of(inFormat);
      return [
        what,
        FORMAT_NAMES[format],
        figure(key('sqnrDb'), decibels(sqnrDb)),
        figure(key('rounding'), number(rounding)),
        figure(key('clipping'), number(clipping)),
        figure(key('saturated'), smallShare(saturated)),
      ];
    };
  return table(
    `Rounding to the grid, ${layer.name}`,
    [
      { name: 'Values' },
      { name: 'Format' },
      { name: 'SQNR, dB', isNumber: true },
      { name: 'Rounding error', isNumber: true },
      { name: 'Clipping error', isNumber: true },
      { name: 'Saturated', isNumber: true },
    ],
    [
      ...inFormats(
        [layer],
        row('weights', ({ weights }) => weights, 'weights'),
      ),
      ...inFormats(
        [layer],
        row('inputs', ({ activations }) => activations, 'activations'),
      ),
    ],
  );
}

function shape({ inFeatures, outFeatures }: ReportLayer): string {
  return `${count(inFeatures)} → ${count(outFeatures)}`;
}
