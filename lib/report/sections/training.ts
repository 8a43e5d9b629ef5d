import type { Curve, Plots } from '../drawings';
import { number, share } from '../figures';
import { type Cell, type Column, figure, type Html, html, plot, table } from '../markup';
import type { ReportData, ReportTraining } from '../types';

const TRAINING = 'var(--muted)';
const VALIDATION = 'var(--accent)';

/** Nothing where the model's record holds no training. */
export function trainingSection({ training }: ReportData, plots: Plots): Html {
  if (training.length === 0) return html``;
  return html`<section aria-labelledby="training">
<h2 id="training">Training</h2>
${training.map((one, i) => curves(one, i, training.length > 1, plots))}
${table(
  'The first epoch, that of the least loss, and the last',
  [
    { name: 'Step' },
    { name: 'Epoch', isNumber: true },
    { name: 'Loss', isNumber: true },
    { name: 'Validation loss', isNumber: true },
    { name: 'Accuracy', isNumber: true },
  ] satisfies Column[],
  training.flatMap(rows),
)}
</section>`;
}

function curves({ step, epochs }: ReportTraining, index: number, isNumbered: boolean, plots: Plots): Html {
  const place = isNumbered ? ` of training ${index + 1}, ${step}` : '';
  const loss = curveOf(epochs, 'loss', 'training', TRAINING);
  const validation = curveOf(epochs, 'validationLoss', 'validation', VALIDATION);
  const accuracy = curveOf(epochs, 'accuracy', 'accuracy', validation === undefined ? TRAINING : VALIDATION);
  const losses = [loss, validation].filter((curve) => curve !== undefined);
  const about = validation === undefined ? '' : ' Dashed: on the validation rows, after the epoch.';
  const title = (what: string): string => `${what} by epoch${place}`;
  return html`<div class="plots">
${plot(plots.curvePlot(losses, 'Loss', { id: `loss-${index}`, title: title('Loss') }), `Mean loss${place}, of each row before the update that it took part in.${about}`)}
${accuracy && plot(plots.curvePlot([accuracy], 'Accuracy, %', { id: `accuracy-${index}`, title: title('Accuracy') }), `Accuracy${place}${validation === undefined ? ', on the training rows while they were trained on' : ', on the validation rows'}.`)}
</div>`;
}

function curveOf(
  epochs: ReportTraining['epochs'],
  key: 'loss' | 'validationLoss' | 'accuracy',
  name: string,
  color: string,
): Curve | undefined {
  const points = epochs.flatMap((epoch) => {
    const value = epoch[key];
    return value === null ? [] : [{ epoch: epoch.epoch, value }];
  });
  return points.length === 0 ? undefined : { name, color, isDashed: name === 'validation', points };
}

function rows({ step, epochs }: ReportTraining, index: number): Cell[][] {
  const judged = ({ loss, validationLoss }: ReportTraining['epochs'][number]): number =>
    validationLoss ?? loss;
  const best = epochs.reduce((least, epoch, i) => (judged(epoch) < judged(epochs[least]!) ? i : least), 0);
  return [...new Set([0, best, epochs.length - 1])].map((i) => {
    const { epoch, loss, validationLoss, accuracy } = epochs[i]!;
    const key = (name: string): string => `training/${index}/epochs/${i}/${name}`;
    return [
      step,
      figure(key('epoch'), String(epoch)),
      figure(key('loss'), number(loss)),
      figure(key('validationLoss'), validationLoss === null ? '–' : number(validationLoss)),
      figure(key('accuracy'), share(accuracy)),
    ];
  });
}
