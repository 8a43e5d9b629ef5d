import { bytes, count, plural } from '../../words';
import { decibels, microseconds, share, times } from '../figures';
import { type Cell, type Column, figure, type Html, html, type Remark, table } from '../markup';
import { FORMAT_NAMES } from '../names';
import type { ReportData, ReportVariant } from '../types';

export function summarySection(data: ReportData): Html {
  return html`<section aria-labelledby="summary">
<h2 id="summary">Summary</h2>
${tiles(data)}
${table('The model in each format', columns(data), rows(data))}
<p class="note">${measuredOn(data)} SQNR compares the outputs with the float model’s.${latencyNote(data)}</p>
</section>`;
}

function measuredOn({ rows }: ReportData): string {
  const what = rows.testIsCalibration ? ' of the calibration (no test rows were given)' : '';
  return `Measured on ${plural(rows.test, 'row')}${what}.`;
}

function latencyNote({ summary }: ReportData): string {
  return summary.some(({ latency }) => latency !== null)
    ? ' Latency: median of a call on one thread of this machine.'
    : '';
}

/** The four numbers that are looked for first. */
function tiles({ summary, rows }: ReportData): Html {
  const [float, int8] = summary as readonly [ReportVariant, ReportVariant];
  if (int8.unavailable !== undefined) return html``;
  const first: [Cell, string] =
    rows.labels && int8.accuracy !== null
      ? [figure('summary/1/accuracy', share(int8.accuracy)), `int8 accuracy; float ${share(float.accuracy)}`]
      : [figure('summary/1/agreement', share(int8.agreement)), 'of rows keep the float model’s class'];
  const speed: [Cell, string] | undefined =
    float.latency && int8.latency
      ? [
          times(float.latency.oneRow / int8.latency.oneRow),
          `faster on one row: ${microseconds(int8.latency.oneRow)} µs`,
        ]
      : undefined;
  const list: readonly ([Cell, string] | undefined)[] = [
    first,
    [figure('summary/1/sqnrDb', `${decibels(int8.sqnrDb)} dB`), 'SQNR of the int8 outputs'],
    [times(float.bytes / int8.bytes), `smaller: ${bytes(int8.bytes)}`],
    speed,
  ];
  return html`<ul class="tiles">${list.flatMap((tile) => (tile ? [tileOf(tile)] : []))}</ul>`;
}

function tileOf([value, words]: [Cell, string]): Html {
  const isFigure = typeof value === 'object' && 'key' in value;
  const key = isFigure ? html` data-key="${value.key}"` : undefined;
  return html`<li><strong${key}>${isFigure ? value.text : value}</strong> <span>${words}</span></li>`;
}

function columns({ rows, summary }: ReportData): Column[] {
  const hasLatency = summary.some(({ latency }) => latency !== null);
  return [
    { name: 'Format' },
    ...(rows.labels ? [{ name: 'Accuracy', isNumber: true }] : []),
    { name: 'Same class', isNumber: true },
    { name: 'SQNR, dB', isNumber: true },
    { name: 'File, bytes', isNumber: true },
    { name: 'Smaller', isNumber: true },
    ...(hasLatency
      ? [
          { name: '1 row, µs', isNumber: true },
          { name: '64 rows, µs', isNumber: true },
        ]
      : []),
  ];
}

function rows(data: ReportData): (Cell[] | Remark)[] {
  const float = data.summary[0]!;
  return data.summary.map((variant, i) => {
    const name = FORMAT_NAMES[variant.format];
    if (variant.unavailable !== undefined) {
      const { code, message } = variant.unavailable;
      return { head: [name], text: `not available: ${code}, ${message}` };
    }
    const key = (field: string): string => `summary/${i}/${field}`;
    const hasLatency = data.summary.some(({ latency }) => latency !== null);
    return [
      name,
      ...(data.rows.labels ? [figure(key('accuracy'), share(variant.accuracy))] : []),
      figure(key('agreement'), share(variant.agreement)),
      figure(key('sqnrDb'), decibels(variant.sqnrDb)),
      figure(key('bytes'), count(variant.bytes)),
      times(float.bytes / variant.bytes),
      ...(hasLatency
        ? [
            figure(key('latency/oneRow'), microseconds(variant.latency?.oneRow)),
            figure(key('latency/batch'), microseconds(variant.latency?.batch)),
          ]
        : []),
    ];
  });
}
