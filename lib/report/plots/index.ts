/** Data → SVG. The only folder that loads echarts. */
export { barPlot } from './bars';
export { curvePlot } from './curves';
export { histogramPlot } from './histogram';
export { paretoPlot } from './pareto';
