import { count } from '../../words';
import type { ParetoPoint, Plots } from '../drawings';
import { decibels, microseconds, points, share } from '../figures';
import { type Cell, type Column, figure, type Html, html, plot, type Remark, table } from '../markup';
import { paretoFront } from '../pareto';
import type { ReportData, ReportMethod } from '../types';

/** Of the axes: below them differences are chance. */
const LEAST_POINTS = 0.3;
const LEAST_DECIBELS = 6;

export function methodsSection(data: ReportData, plots: Plots): Html {
  if (data.methods.length === 0) return html``;
  const gain = gainOf(data);
  const leastSpan = hasAccuracy(data) ? LEAST_POINTS : LEAST_DECIBELS;
  const sizes = pointsOf(data, ({ bytes }) => bytes / 1024);
  const times = pointsOf(data, ({ latency }) => latency?.oneRow);
  return html`<section aria-labelledby="methods">
<h2 id="methods">Methods</h2>
<p>The same model made smaller in different ways. Up and to the left is better; no method beats the filled points in both
directions. The numbers are those of the table.</p>
<div class="plots">
${sizes.length === 0 ? undefined : plot(plots.paretoPlot(sizes, { cost: 'File, KiB', gain, leastSpan }, { id: 'pareto-size', title: `${gain} against file size, by method` }), `${gain} against the size of the model file.`)}
${times.length === 0 ? undefined : plot(plots.paretoPlot(times, { cost: 'One row, µs', gain, leastSpan }, { id: 'pareto-latency', title: `${gain} against latency, by method` }), `${gain} against the median time of a call with one row.`)}
</div>
${table('Methods; ● is on the front of size, ▲ on that of latency', columns(data), rows(data, sizes, times))}
</section>`;
}

const hasAccuracy = ({ rows }: ReportData): boolean => rows.labels;

function gainOf(data: ReportData): string {
  return hasAccuracy(data) ? 'Accuracy, %' : 'SQNR, dB';
}

/** Methods that were made and have both measures. No noise at all has no place on the axis of decibels. */
function pointsOf(data: ReportData, cost: (method: ReportMethod) => number | undefined): ParetoPoint[] {
  return data.methods.flatMap((method, i) => {
    const gain = hasAccuracy(data) ? method.accuracy : method.sqnrDb;
    const price = cost(method);
    return method.error !== undefined || gain === null || price === undefined
      ? []
      : [{ number: i + 1, gain, cost: price }];
  });
}

function columns(data: ReportData): Column[] {
  return [
    { name: '#' },
    { name: 'Method' },
    ...(hasAccuracy(data)
      ? [
          { name: 'Accuracy', isNumber: true },
          { name: 'Drop, points', isNumber: true },
        ]
      : []),
    { name: 'Same class', isNumber: true },
    { name: 'SQNR, dB', isNumber: true },
    { name: 'File, bytes', isNumber: true },
    { name: '1 row, µs', isNumber: true },
  ];
}

function rows(
  data: ReportData,
  sizes: readonly ParetoPoint[],
  times: readonly ParetoPoint[],
): (Cell[] | Remark)[] {
  const [bySize, byTime] = [sizes, times].map((list) => new Set(paretoFront(list).map((p) => p.number)));
  return data.methods.map((method, i) => {
    const key = (field: string): string => `methods/${i}/${field}`;
    const marks = `${bySize!.has(i + 1) ? ' ●' : ''}${byTime!.has(i + 1) ? ' ▲' : ''}`;
    if (method.error !== undefined)
      return { head: [String(i + 1), method.name], text: `not available: ${method.error}` };
    return [
      String(i + 1),
      `${method.name}${marks}`,
      ...(hasAccuracy(data)
        ? [figure(key('accuracy'), share(method.accuracy)), figure(key('drop'), points(method.drop))]
        : []),
      figure(key('agreement'), share(method.agreement)),
      figure(key('sqnrDb'), decibels(method.sqnrDb)),
      figure(key('bytes'), count(method.bytes)),
      figure(key('latency/oneRow'), microseconds(method.latency?.oneRow)),
    ];
  });
}
