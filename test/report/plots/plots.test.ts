import { describe, expect, it } from 'vitest';
import { barPlot, curvePlot, histogramPlot, paretoPlot } from '../../../lib/report/plots';
import type { ReportGrid, ReportTensor } from '../../../lib/report/types';

const label = { id: 'p1', title: 'A "plot" <of> things' };

const grid = (format: ReportGrid['format'], levels: readonly number[]): ReportGrid => ({
  format,
  label: format,
  min: levels[0]!,
  max: levels.at(-1)!,
  step: null,
  levels,
});

const tensor: ReportTensor = {
  min: -1,
  max: 2,
  histogram: { start: -1, width: 0.5, counts: [1, 10, 100, 1000, 0, 3], zeros: 0 },
  grids: [grid('int8', [-1, 0, 1]), grid('e4m3fn', [-1, -0.5, 0, 0.5, 1, 1.5])],
};

/** How many strokes all paths of a colour have. */
function strokes(svg: string, color: string): number {
  const paths = svg.match(/<path [^>]*>/g)!.filter((tag) => tag.includes(`"var(--${color})"`));
  return paths.join('').match(/M/g)?.length ?? 0;
}

describe('a drawing', () => {
  const drawings = {
    histogram: histogramPlot(tensor, label),
    bars: barPlot(
      ['a', 'b'],
      [{ name: 's', color: 'var(--int8)', values: [1, null], none: '∞' }],
      'dB',
      label,
    ),
    curves: curvePlot(
      [
        { name: 'a', color: 'var(--muted)', isDashed: false, points: [{ epoch: 1, value: 2 }] },
        { name: 'b', color: 'var(--accent)', isDashed: true, points: [{ epoch: 1, value: 3 }] },
      ],
      'Loss',
      label,
    ),
    pareto: paretoPlot([{ number: 1, cost: 2, gain: 3 }], { cost: 'KiB', gain: '%', leastSpan: 1 }, label),
  };

  it.each(Object.entries(drawings))('%s: named, sized, without hooks for a mouse', (_, svg) => {
    expect(svg).toMatch(/^<svg xmlns="[^"]+" width="460" height="\d+" viewBox="0 0 460 \d+" role="img"/);
    expect(svg).toContain('aria-label="A &quot;plot&quot; &lt;of&gt; things"><title>');
    expect(svg).toMatch(/<\/svg>$/);
    expect(svg).not.toMatch(/<style|CDATA|class=|ecmeta|pointer-events|zr\d|NaN|undefined|Infinity/);
  });

  it.each(Object.entries(drawings))('%s: every colour is a variable', (_, svg) => {
    // What clips is not drawn.
    const drawn = svg.replace(/<clipPath[\s\S]*?<\/clipPath>/g, '');
    for (const [, color] of drawn.matchAll(/(?:fill|stroke)="([^"]*)"/g))
      expect(color).toMatch(/^(none|transparent|var\(--[\w-]+\)|url\(#p1-)/);
  });
});

describe('curvePlot', () => {
  const curve = (count: number) => ({
    name: 'a',
    color: 'var(--int8)',
    isDashed: false,
    points: Array.from({ length: count }, (_, i) => ({ epoch: i + 1, value: 1 / (i + 1) })),
  });

  it('is one line, with a mark at each point where they are few', () => {
    const [few, many] = [curvePlot([curve(5)], 'Loss', label), curvePlot([curve(200)], 'Loss', label)];
    expect(strokes(few, 'int8')).toBe(1 + 5);
    expect(strokes(many, 'int8')).toBe(1);
  });

  it('names whole epochs', () => {
    const svg = curvePlot([curve(3)], 'Loss', label);
    const numbers = [...svg.matchAll(/>([\d.]+)<\/text>/g)].map(([, text]) => text);
    expect(numbers).toEqual(expect.arrayContaining(['1', '2', '3']));
    expect(numbers).not.toContain('1.5');
  });
});

describe('histogramPlot', () => {
  it('a bar for each count above 0, a tick for each level, two lines where int8 ends', () => {
    const svg = histogramPlot(tensor, label);
    expect(strokes(svg, 'data')).toBe(5);
    expect(strokes(svg, 'int8')).toBe(3);
    expect(strokes(svg, 'fp8')).toBe(6);
    expect(strokes(svg, 'accent')).toBe(2);
  });

  it('ticks that would run into each other are left out', () => {
    const fine = grid(
      'int8',
      Array.from({ length: 256 }, (_, i) => i / 2550),
    );
    const svg = histogramPlot({ ...tensor, grids: [fine] }, label);
    expect(strokes(svg, 'int8')).toBeLessThan(20);
    expect(strokes(svg, 'int8')).toBeGreaterThan(3);
  });

  it('float8 numbers on the side where nothing is are left out', () => {
    const positive = { ...tensor, min: 0, histogram: { ...tensor.histogram, start: 0, width: 0.3 } };
    const svg = histogramPlot({ ...positive, grids: [grid('e4m3fn', [-2, -1, 0, 1, 2])] }, label);
    expect(strokes(svg, 'fp8')).toBe(3);
  });

  it('nothing at all, and one huge grid', () => {
    const empty = { min: 0, max: 0, histogram: { start: 0, width: 1, counts: [0], zeros: 5 }, grids: [] };
    expect(histogramPlot(empty, label)).not.toMatch(/NaN|Infinity/);
    const huge = grid('int8', [-448, 0, 448]);
    const svg = histogramPlot({ ...tensor, grids: [{ ...huge, step: 448 }] }, label);
    expect(strokes(svg, 'int8')).toBe(1);
    expect(strokes(svg, 'data')).toBe(5);
  });
});

describe('barPlot', () => {
  it('equal and long names stay two bars, each with its number', () => {
    const name = 'the same <long> name';
    const values = [41.26, null, -2];
    const series = [{ name: 's', color: 'var(--int8)', values, none: '∞' }];
    const svg = barPlot([name, name, 'c'], series, 'dB', label);
    expect(svg.match(/the same &lt;lo/g)).toHaveLength(2);
    expect(svg).not.toContain('<long>');
    for (const text of ['41.3', '∞', '−2.0']) expect(svg).toContain(`>${text}</text>`);
  });
});

describe('paretoPlot', () => {
  it('points on the front are filled; those in one place share a label', () => {
    const points = [
      { number: 1, cost: 10, gain: 90 },
      { number: 2, cost: 5, gain: 89 },
      { number: 3, cost: 5, gain: 89 },
      { number: 4, cost: 8, gain: 80 },
    ];
    const svg = paretoPlot(points, { cost: 'KiB', gain: '%', leastSpan: 1 }, label);
    for (const text of ['1', '2, 3', '4']) expect(svg).toContain(`>${text}</text>`);
    const marks = (color: string) =>
      svg.match(new RegExp(`fill="var\\(--${color}\\)"[^>]*stroke=`, 'g')) ?? [];
    expect(marks('accent')).toHaveLength(2);
    expect(marks('surface')).toHaveLength(1);
  });

  it('many numbers in one place are written short', () => {
    const points = [1, 2, 3, 4, 6, 7, 9].map((number) => ({ number, cost: 5, gain: 50 }));
    const axes = { cost: 'KiB', gain: '%', leastSpan: 1 };
    expect(paretoPlot(points, axes, label)).toContain('>1–4, 6, 7, 9</text>');
    const more = [...points, { number: 12, cost: 5, gain: 50 }];
    expect(paretoPlot(more, axes, label)).toContain('>1–4, 6, 7, 9, …</text>');
  });

  it('one point, and points of one value', () => {
    const axes = { cost: 'KiB', gain: '%', leastSpan: 0.3 };
    expect(paretoPlot([{ number: 1, cost: 0, gain: 0 }], axes, label)).not.toMatch(/NaN|Infinity/);
  });
});
