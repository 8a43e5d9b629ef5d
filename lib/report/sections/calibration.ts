import { count, plural } from '../../words';
import { number } from '../figures';
import { figure, type Html, html, table } from '../markup';
import type { ReportCalibration } from '../types';

export function calibrationSection({ method, rows, ranges, record }: ReportCalibration): Html {
  return html`<section aria-labelledby="calibration">
<h2 id="calibration">Calibration</h2>
<p>Ranges by <b>${method}</b> over ${plural(rows, 'row')}.</p>
${table(
  'Calibrated ranges',
  [{ name: 'Value' }, { name: 'Min', isNumber: true }, { name: 'Max', isNumber: true }],
  ranges.map(({ name, min, max }, i) => [
    name,
    figure(`calibration/ranges/${i}/min`, number(min)),
    figure(`calibration/ranges/${i}/max`, number(max)),
  ]),
)}
${table(
  'Steps that made the int8 model',
  [{ name: 'Step' }, { name: 'Settings' }],
  record.map(({ step, ...settings }) => [String(step), settingsText(settings)]),
)}
</section>`;
}

function settingsText(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .filter(([name]) => name !== 'history') // has curves of its own
    .map(([name, value]) => `${name} ${typeof value === 'number' ? count(value) : textOf(value)}`)
    .join(', ');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
