import { count } from '../../words';
import type { Plots } from '../drawings';
import { number, smallShare } from '../figures';
import { figure, type Html, html, plot, table } from '../markup';
import { LEAST_SHARES } from '../saliency';
import type { ReportData, ReportLayer } from '../types';

const PERCENT = (share: number): string => `${Math.round(100 * share)} %`;

/** What could leave: how little the least weights of each layer matter, and which neurons may go. */
export function pruningSection({ layers }: ReportData, plots: Plots): Html {
  if (layers.length === 0) return html``;
  return html`<section aria-labelledby="pruning">
<h2 id="pruning">Pruning</h2>
<p>A weight’s saliency is w²·σ²: how much the mean square of an output changes where the weight leaves and the bias takes over its
mean; σ² is the variance of the input that it reads. Where the least weights hold little of all saliency, much can leave.</p>
${table(
  'What could leave each layer',
  [
    { name: 'Layer' },
    { name: 'Zeros', isNumber: true },
    { name: 'Zero 4×1 blocks', isNumber: true },
    { name: 'Removable neurons', isNumber: true },
    ...LEAST_SHARES.map((share) => ({ name: `Held by the least ${PERCENT(share)}`, isNumber: true })),
  ],
  layers.map(row),
)}
<div class="plots">
${layers.map((layer, i) => saliencies(layer, i, plots))}
</div>
</section>`;
}

function row({ name, pruning }: ReportLayer, index: number) {
  const key = (field: string): string => `layers/${index}/pruning/${field}`;
  const { zeros, zeroBlocks, removableNeurons, neuronsStay, least } = pruning;
  return [
    name,
    figure(key('zeros'), smallShare(zeros)),
    figure(key('zeroBlocks'), smallShare(zeroBlocks)),
    neuronsStay === null ? figure(key('removableNeurons'), count(removableNeurons)) : `none: ${neuronsStay}`,
    ...least.map((share, i) => figure(key(`least/${i}`), smallShare(share))),
  ];
}

function saliencies({ name, pruning }: ReportLayer, index: number, plots: Plots): Html {
  const { saliencies } = pruning;
  const key = `layers/${index}/pruning/saliencies`;
  return plot(
    plots.histogramPlot(saliencies, {
      id: `layer-${index}-saliencies`,
      title: `Saliencies of ${name}, log₁₀: histogram`,
    }),
    html`<b>Saliencies of ${name}</b>, log₁₀, <span data-key="${key}/min">${number(saliencies.min)}</span> to
<span data-key="${key}/max">${number(saliencies.max)}</span>; those of 0 are not drawn.`,
  );
}
