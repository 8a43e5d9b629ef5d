import type { SeriesOption } from 'echarts';
import type { ParetoAxes, ParetoPoint, PlotLabel } from '../drawings';
import { type Point, paretoFront } from '../pareto';
import { ACCENT, AXIS, INK, MUTED, SURFACE, TEXT, tick, WIDTH } from './style';
import { renderSvg } from './svg';

const HEIGHT = 320;
const LEFT = 58;
const RIGHT = 40;
const TOP = 30;
const BOTTOM = 46;
/** Points that are closer than this share a mark: a line of text, and one number. */
const MIN_DISTANCE = { x: 26, y: 14 };

interface Mark {
  readonly points: readonly ParetoPoint[];
  readonly x: number;
  readonly y: number;
}

/** Methods as numbered points; those on the front are filled and joined by steps. */
export function paretoPlot(points: readonly ParetoPoint[], axes: ParetoAxes, label: PlotLabel): string {
  const [x, y] = [costRange(points), gainRange(points, axes.leastSpan)];
  const front = paretoFront(points);
  const numbers = new Set(front.map(({ number }) => number));
  const axis = {
    ...AXIS,
    type: 'value',
    nameLocation: 'middle',
    axisLabel: { ...AXIS.axisLabel, formatter: tick, showMinLabel: false, showMaxLabel: false },
  } as const;
  return renderSvg(
    {
      grid: { left: LEFT, right: RIGHT, top: TOP, bottom: BOTTOM },
      xAxis: {
        ...axis,
        ...x,
        name: axes.cost,
        nameGap: 28,
        axisLabel: { ...axis.axisLabel, showMinLabel: true },
      },
      yAxis: {
        ...axis,
        ...y,
        name: axes.gain,
        nameLocation: 'end',
        nameGap: 12,
        nameTextStyle: { ...TEXT, align: 'left', padding: [0, 0, 0, -LEFT + 8] },
      },
      series: [
        {
          type: 'line',
          step: 'end',
          symbol: 'none',
          silent: true,
          lineStyle: { color: ACCENT, width: 1.5, type: 'dashed' },
          data: front.map(({ cost, gain }) => [cost, gain]),
        },
        ...marksOf(points, x, y).map((mark) => markSeries(mark, numbers, 0.6 * x.max)),
      ],
    },
    { width: WIDTH, height: HEIGHT },
    label,
  );
}

/** Labels of points right of `split` stand left of them, where there is room. */
function markSeries({ points, x, y }: Mark, front: ReadonlySet<number>, split: number): SeriesOption {
  const isOnFront = points.some(({ number }) => front.has(number));
  return {
    type: 'scatter',
    silent: true,
    symbolSize: 11,
    itemStyle: {
      color: isOnFront ? ACCENT : SURFACE,
      borderColor: isOnFront ? ACCENT : MUTED,
      borderWidth: 1.5,
      opacity: 1,
    },
    label: {
      ...TEXT,
      show: true,
      // Equal costs stand above each other.
      position: x > split ? 'left' : 'right',
      distance: 5,
      color: INK,
      textBorderColor: SURFACE,
      textBorderWidth: 3,
      fontWeight: isOnFront ? 'bold' : 'normal',
      formatter: runs(points.map(({ number }) => number)),
    },
    data: [[x, y]],
  };
}

interface Range {
  readonly min: number;
  readonly max: number;
}

function costRange(points: readonly Point[]): Range {
  return { min: 0, max: 1.06 * Math.max(...points.map(({ cost }) => cost), Number.MIN_VALUE) };
}

function gainRange(points: readonly Point[], leastSpan: number): Range {
  const gains = points.map(({ gain }) => gain);
  const [low, high] = [Math.min(...gains), Math.max(...gains)];
  const air = Math.max(0.12 * (high - low), (leastSpan - (high - low)) / 2);
  return { min: low - air, max: high + air };
}

/** Points in the order of their numbers, joined with the first mark that they would cover. */
function marksOf(points: readonly ParetoPoint[], x: Range, y: Range): Mark[] {
  const pixels = ({ cost, gain }: Point): [number, number] => [
    ((cost - x.min) / (x.max - x.min)) * (WIDTH - LEFT - RIGHT),
    ((gain - y.min) / (y.max - y.min)) * (HEIGHT - TOP - BOTTOM),
  ];
  const marks: { points: ParetoPoint[]; x: number; y: number; at: [number, number] }[] = [];
  for (const point of points) {
    const at = pixels(point);
    const near = marks.find(
      (mark) =>
        Math.abs(mark.at[0] - at[0]) < MIN_DISTANCE.x && Math.abs(mark.at[1] - at[1]) < MIN_DISTANCE.y,
    );
    if (near === undefined) marks.push({ points: [point], x: point.cost, y: point.gain, at });
    else near.points.push(point);
  }
  return marks;
}

/** Runs that a label names; the table has them all. */
const MOST_RUNS = 3;

/** Ascending numbers as '1, 3–5', or '1, 3–5, 7, …'. */
function runs(numbers: readonly number[]): string {
  const found: { first: number; last: number }[] = [];
  for (const number of numbers) {
    const run = found.at(-1);
    if (run !== undefined && run.last === number - 1) run.last = number;
    else found.push({ first: number, last: number });
  }
  const text = ({ first, last }: { first: number; last: number }): string =>
    first === last ? `${first}` : last === first + 1 ? `${first}, ${last}` : `${first}–${last}`;
  const named = found.slice(0, MOST_RUNS).map(text);
  return [...named, ...(found.length > MOST_RUNS ? ['…'] : [])].join(', ');
}
