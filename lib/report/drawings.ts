/** What the page asks of the plots. Apart from them, so that the types of the package do without those of echarts. */
import type { Point } from './pareto';
import type { ReportTensor } from './types';

/** Ids of a page's plots must differ: they stand in front of the ids inside. */
export interface PlotLabel {
  readonly id: string;
  /** What the plot shows, for those who do not see it. */
  readonly title: string;
}

export interface BarSeries {
  readonly name: string;
  readonly color: string;
  /** One a category; null: no bar, and the word that stands there. */
  readonly values: readonly (number | null)[];
  readonly none: string;
}

export interface ParetoPoint extends Point {
  /** In the table beside the plot: names would not fit into it. */
  readonly number: number;
}

export interface ParetoAxes {
  readonly cost: string;
  readonly gain: string;
  /** Gains are spread over at least this much: smaller differences are chance. */
  readonly leastSpan: number;
}

/** A line over epochs. */
export interface Curve {
  readonly name: string;
  readonly color: string;
  readonly isDashed: boolean;
  readonly points: readonly { readonly epoch: number; readonly value: number }[];
}

/** Each returns one <svg>. */
export interface Plots {
  /** Horizontal bars, a group a category, the first on top; each has its number beside it. */
  barPlot(
    categories: readonly string[],
    series: readonly BarSeries[],
    axisName: string,
    label: PlotLabel,
  ): string;
  /** Lines over epochs. */
  curvePlot(curves: readonly Curve[], axisName: string, label: PlotLabel): string;
  /** How often each value occurs, on a logarithmic scale, and under it the numbers that each format can hold. */
  histogramPlot(tensor: ReportTensor, label: PlotLabel): string;
  /** Methods as numbered points; those on the front are filled and joined by steps. */
  paretoPlot(points: readonly ParetoPoint[], axes: ParetoAxes, label: PlotLabel): string;
}
