import type { BarSeries, PlotLabel } from '../drawings';
import { shorten } from '../escape';
import { AXIS, INK, TEXT, tick, WIDTH } from './style';
import { renderSvg } from './svg';

const NAME_LENGTH = 14;
const LEFT = 110;
const RIGHT = 62;
const TOP = 8;
const BOTTOM = 44;
const BAR = 13;
const GAP = 12;

/** Horizontal bars, a group a category, the first on top; each has its number beside it. */
export function barPlot(
  categories: readonly string[],
  series: readonly BarSeries[],
  axisName: string,
  label: PlotLabel,
): string {
  const rows = categories.length;
  const height = TOP + BOTTOM + rows * (series.length * (BAR + 2) + GAP);
  return renderSvg(
    {
      grid: { left: LEFT, right: RIGHT, top: TOP, bottom: BOTTOM },
      xAxis: {
        ...AXIS,
        type: 'value',
        min: (extent) => Math.min(extent.min, 0),
        name: axisName,
        nameLocation: 'middle',
        nameGap: 26,
        axisLabel: { ...AXIS.axisLabel, formatter: tick },
      },
      yAxis: {
        ...AXIS,
        type: 'category',
        inverse: true,
        // By index: equal names would be one category.
        data: categories.map((_, i) => String(i)),
        axisTick: { show: false },
        splitLine: { show: false },
        axisLabel: {
          ...TEXT,
          color: INK,
          interval: 0,
          formatter: (_: string, index: number) => shorten(categories[index]!, NAME_LENGTH),
        },
      },
      series: series.map(({ name, color, values, none }) => ({
        type: 'bar',
        name,
        silent: true,
        barWidth: BAR,
        barGap: '15%',
        itemStyle: { color },
        label: {
          ...TEXT,
          color: INK,
          show: true,
          position: 'right',
          formatter: ({ dataIndex }) => {
            const value = values[dataIndex!];
            return value === null || value === undefined ? none : value.toFixed(1).replace('-', '−');
          },
        },
        data: values.map((value) => value ?? 0),
      })),
    },
    { width: WIDTH, height },
    label,
  );
}
