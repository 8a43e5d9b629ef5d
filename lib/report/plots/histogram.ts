import type { CustomSeriesOption } from 'echarts';
import type { PlotLabel } from '../drawings';
import { FORMAT_COLORS } from '../names';
import type { ReportGrid, ReportTensor } from '../types';
import { ACCENT, AXIS, DATA, shortCount, tick, WIDTH } from './style';
import { renderSvg } from './svg';

const LEFT = 44;
const RIGHT = 14;
const TOP = 10;
const BARS = 150;
/** A row of ticks for each grid, below the bars. */
const ROW = 18;
const AXIS_HEIGHT = 24;
/** Ticks that are closer than this run into each other. */
const MIN_TICK_GAP = 1.5;
/** A bar of one value starts here on the logarithmic axis. */
const FLOOR = 0.7;

/** How often each value occurs, on a logarithmic scale, and under it the numbers that each format can hold. */
export function histogramPlot({ histogram, grids, min, max }: ReportTensor, label: PlotLabel): string {
  const [low, high] = extent(min, max, grids);
  const strip = grids.length * ROW;
  const height = TOP + BARS + strip + AXIS_HEIGHT;
  const x = { ...AXIS, type: 'value', min: low, max: high, splitLine: { show: false } } as const;
  const hidden = { axisLabel: { show: false }, axisTick: { show: false } } as const;
  return renderSvg(
    {
      grid: [
        { left: LEFT, right: RIGHT, top: TOP, height: BARS },
        { left: LEFT, right: RIGHT, top: TOP + BARS, height: strip },
      ],
      xAxis: [
        { ...x, ...hidden, gridIndex: 0 },
        {
          ...x,
          gridIndex: 1,
          splitNumber: 5,
          axisLabel: { ...AXIS.axisLabel, formatter: tick, showMinLabel: false, showMaxLabel: false },
        },
      ],
      yAxis: [
        {
          ...AXIS,
          type: 'log',
          gridIndex: 0,
          axisLine: { ...AXIS.axisLine, onZero: false },
          min: FLOOR,
          max: 1.3 * Math.max(10, ...histogram.counts),
          axisLabel: { ...AXIS.axisLabel, formatter: shortCount, showMinLabel: false, showMaxLabel: false },
        },
        { type: 'value', gridIndex: 1, min: 0, max: Math.max(grids.length, 1), show: false },
      ],
      series: [
        bars(histogram),
        ...grids.map((grid, row) => ticks(grid, grids.length - 1 - row)),
        ends(grids.find(({ format }) => format === 'int8')),
      ],
    },
    { width: WIDTH, height },
    label,
  );
}

/**
 * Data and evenly spaced grids, with some air. Float8 grids reach as far to the other side of 0, where there may be
 * nothing, and a grid may reach far beyond the data: they are cut.
 */
function extent(min: number, max: number, grids: readonly ReportGrid[]): [number, number] {
  const size = Math.max(max, -min) || 1;
  const reach = (value: number): number => Math.min(Math.max(value, -2 * size), 2 * size);
  const even = grids.filter(({ step }) => step !== null);
  const low = Math.min(min, 0, ...even.map((grid) => reach(grid.min)));
  const high = Math.max(max, 0, ...even.map((grid) => reach(grid.max)));
  const air = 0.03 * (high - low || 1);
  return [low - air, high + air];
}

/** One path for all bars: a page has many plots. */
function bars({ start, width, counts }: ReportTensor['histogram']): CustomSeriesOption {
  return path(0, { fill: DATA }, ([left, floor]) => {
    const outline = counts.map((count, i) => {
      if (count === 0) return '';
      const [x0, y] = left(start + i * width, count);
      const [x1] = left(start + (i + 1) * width, count);
      const gap = x1 - x0 > 4 ? 1 : 0;
      return `M${at(x0)} ${at(floor)}V${at(y)}H${at(x1 - gap)}V${at(floor)}Z`;
    });
    return outline.join('');
  });
}

function ticks({ levels, format }: ReportGrid, row: number): CustomSeriesOption {
  return path(1, { stroke: FORMAT_COLORS[format], lineWidth: 1 }, ([point]) => {
    let last = Number.NEGATIVE_INFINITY;
    return levels
      .map((level) => {
        const [x, y] = point(level, row + 0.15);
        if (x < LEFT || x > WIDTH - RIGHT || x - last < MIN_TICK_GAP) return '';
        last = x;
        return `M${at(x)} ${at(y)}V${at(point(level, row + 0.85)[1])}`;
      })
      .join('');
  });
}

/** Beyond these lines values are clipped. */
function ends(grid: ReportGrid | undefined): CustomSeriesOption {
  return path(0, { stroke: ACCENT, lineWidth: 1.5, lineDash: [4, 3] }, ([point]) =>
    grid === undefined
      ? ''
      : [grid.min, grid.max]
          .map((value) => point(value, 1)[0])
          .map((x) => `M${at(x)} ${TOP}V${TOP + BARS}`)
          .join(''),
  );
}

type Point = (x: number, y: number) => [number, number];

/** A series that is one path, in pixels. */
function path(
  axis: 0 | 1,
  style: { fill?: string; stroke?: string; lineWidth?: number; lineDash?: number[] },
  outline: (place: readonly [point: Point, floor: number]) => string,
): CustomSeriesOption {
  return {
    type: 'custom',
    xAxisIndex: axis,
    yAxisIndex: axis,
    clip: true,
    silent: true,
    data: [[0, 1]],
    renderItem: (_, api) => ({
      type: 'path',
      shape: {
        pathData: outline([(x, y) => api.coord([x, y]) as [number, number], TOP + BARS]) || 'M0 0',
      },
      style: { fill: 'none', ...style },
    }),
  };
}

/** A tenth of a pixel is enough. */
function at(pixels: number): number {
  return Math.round(10 * pixels) / 10;
}
