// The ratios as an SVG: one panel for each opponent and number of threads, a bar for each model and batch with its
// quartiles. Bars start at 1 and grow upwards where requant is faster; the scale is logarithmic.
import { writeFileSync } from 'node:fs';

const PANELS = {
  int8VsOrtInt8: "onnxruntime-node's best int8 form",
  codesVsOrtInt8Codes: "onnxruntime-node's best int8 form, codes in and out",
  int8VsOrtFloat32: 'onnxruntime-node float32',
  int8VsFloat32: "requant's own float32",
};
const FASTER = '#4269d0';
const SLOWER = '#d0463b';
const WIDTH = 1400;
const PANEL_HEIGHT = 220;
const TOP = 100;
const GAP = 90;

const factor = (power) => `${Number((2 ** power).toPrecision(3))}×`;

function panelsOf(cells) {
  const threads = [...new Set(cells.map((cell) => cell.threads))];
  return Object.entries(PANELS).flatMap(([ratio, opponent]) =>
    threads
      .map((n) => ({
        title: `${opponent}, ${n} thread${n === 1 ? '' : 's'}`,
        bars: barsOf(
          cells.filter((cell) => cell.threads === n && cell.ratios[ratio]),
          ratio,
        ),
      }))
      .filter(({ bars }) => bars.length > 0),
  );
}

/** One entry for each place on the axis; an empty one parts two models. The middle of a model bears its name. */
function barsOf(cells, ratio) {
  return [...new Set(cells.map((cell) => cell.model))].flatMap((model, i) => {
    const own = cells.filter((cell) => cell.model === model);
    const middle = Math.floor((own.length - 1) / 2);
    const bars = own.map(({ batch, ratios }, j) => {
      const { median, q1, q3 } = ratios[ratio];
      const label = j === middle ? `${batch}\n${model}` : String(batch);
      return { label, median: Math.log2(median), q1: Math.log2(q1), q3: Math.log2(q3) };
    });
    return i === 0 ? bars : [{ label: '' }, ...bars];
  });
}

/** A line from quartile to quartile. */
function whisker(_, api) {
  const [x, low] = api.coord([api.value(0), api.value(1)]);
  const [, high] = api.coord([api.value(0), api.value(2)]);
  return {
    type: 'line',
    shape: { x1: x, y1: low, x2: x, y2: high },
    style: { stroke: '#222', lineWidth: 1 },
  };
}

export async function plot(file, { cells, cpu, kernel, node, commit, date }) {
  const { init } = await import('echarts');
  const panels = panelsOf(cells);
  const top = (i) => TOP + i * (PANEL_HEIGHT + GAP);
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: top(panels.length) });
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    title: [
      {
        text: 'How many times as fast as its opponents requant int8 is, by model and batch',
        subtext: `${cpu}, kernel ${kernel}, Node ${node}, commit ${commit}, ${date.slice(0, 10)}. Medians and quartiles of ratios taken in turn.`,
        left: 60,
      },
      ...panels.map(({ title }, i) => ({
        text: title,
        left: 60,
        top: top(i) - 28,
        textStyle: { fontSize: 13 },
      })),
    ],
    grid: panels.map((_, i) => ({ left: 60, right: 20, top: top(i), height: PANEL_HEIGHT })),
    xAxis: panels.map(({ bars }, i) => ({
      gridIndex: i,
      data: bars.map(({ label }) => label),
      axisLine: { onZero: false },
      axisTick: { show: false },
      axisLabel: { interval: 0, fontSize: 10, lineHeight: 14 },
    })),
    yAxis: panels.map(({ bars }, i) => {
      const powers = bars.flatMap(({ median }) => median ?? []);
      return {
        gridIndex: i,
        min: Math.floor(Math.min(0, ...powers)),
        max: Math.ceil(Math.max(1, ...powers)),
        interval: 1,
        axisLabel: { formatter: factor },
      };
    }),
    series: panels.flatMap(({ bars }, i) => [
      {
        type: 'bar',
        xAxisIndex: i,
        yAxisIndex: i,
        barCategoryGap: '25%',
        data: bars.map(({ median }) =>
          median === undefined ? null : { value: median, itemStyle: { color: median < 0 ? SLOWER : FASTER } },
        ),
        markLine: {
          silent: true,
          symbol: 'none',
          lineStyle: { color: '#222', type: 'solid' },
          label: { show: false },
          data: [{ yAxis: 0 }],
        },
      },
      {
        type: 'custom',
        xAxisIndex: i,
        yAxisIndex: i,
        renderItem: whisker,
        clip: true,
        data: bars.flatMap(({ median, q1, q3 }, at) => (median === undefined ? [] : [[at, q1, q3]])),
      },
    ]),
  });
  writeFileSync(file, chart.renderToSVGString());
  chart.dispose();
}
