import { real } from '../../words';

/** Colours are variables of the page's style sheet, which has two sets of them: light and dark. */
export const INK = 'var(--ink)';
export const MUTED = 'var(--muted)';
export const LINE = 'var(--line)';
export const SURFACE = 'var(--surface)';
export const DATA = 'var(--data)';
export const ACCENT = 'var(--accent)';

/** All plots of a page are as wide as this, so that their text is of one size. */
export const WIDTH = 460;

const FONT_SIZE = 12;

export const TEXT = { fontFamily: 'inherit', fontSize: FONT_SIZE, color: MUTED } as const;

/** Common to all axes. */
export const AXIS = {
  axisLine: { show: true, lineStyle: { color: MUTED } },
  axisTick: { show: true, lineStyle: { color: MUTED } },
  axisLabel: { ...TEXT, hideOverlap: true },
  nameTextStyle: TEXT,
  splitLine: { show: true, lineStyle: { color: LINE } },
} as const;

/** Ticks carry rounding errors of their own: 0.30000000000000004. */
export function tick(value: number): string {
  const text = real(Math.abs(value) < 1e-12 ? 0 : value);
  return text.replace('-', '−');
}

const MAGNITUDES: readonly (readonly [number, string])[] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** 1,000 as 1k. */
export function shortCount(value: number): string {
  const [size, unit] = MAGNITUDES.find(([magnitude]) => value >= magnitude) ?? [1, ''];
  return `${tick(value / size)}${unit}`;
}
