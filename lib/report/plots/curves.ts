import type { Curve, PlotLabel } from '../drawings';
import { AXIS, shortCount, TEXT, tick, WIDTH } from './style';
import { renderSvg } from './svg';

const HEIGHT = 240;
const LEFT = 58;
const RIGHT = 24;
const TOP = 30;
const BOTTOM = 46;
/** Curves of so few points show them. */
const FEW = 30;

/** Lines over epochs. */
export function curvePlot(curves: readonly Curve[], axisName: string, label: PlotLabel): string {
  const epochs = curves.flatMap(({ points }) => points.map(({ epoch }) => epoch));
  const axis = { ...AXIS, type: 'value', scale: true, minInterval: 0 } as const;
  return renderSvg(
    {
      grid: { left: LEFT, right: RIGHT, top: TOP, bottom: BOTTOM },
      xAxis: {
        ...axis,
        // One epoch alone stands in the middle.
        min: Math.min(...epochs) - (epochs.length === curves.length ? 1 : 0),
        max: Math.max(...epochs) + (epochs.length === curves.length ? 1 : 0),
        minInterval: 1,
        name: 'Epoch',
        nameLocation: 'middle',
        nameGap: 28,
        splitLine: { show: false },
        axisLabel: { ...AXIS.axisLabel, formatter: shortCount },
      },
      yAxis: {
        ...axis,
        name: axisName,
        nameLocation: 'end',
        nameGap: 12,
        nameTextStyle: { ...TEXT, align: 'left', padding: [0, 0, 0, -LEFT + 8] },
        axisLabel: { ...AXIS.axisLabel, formatter: tick },
      },
      series: curves.map(({ name, color, isDashed, points }) => ({
        type: 'line',
        name,
        silent: true,
        showSymbol: points.length <= FEW,
        symbol: 'circle',
        symbolSize: 5,
        itemStyle: { color },
        lineStyle: { color, width: 1.5, type: isDashed ? 'dashed' : 'solid' },
        data: points.map(({ epoch, value }) => [epoch, value]),
      })),
    },
    { width: WIDTH, height: HEIGHT },
    label,
  );
}
