import { count, percent } from '../words';

/** How the page writes the numbers of the report. A minus is a minus, not a hyphen. */

/** Signal to quantization noise; null: there is no noise. */
export function decibels(value: number | null): string {
  return value === null ? '∞' : minus(value.toFixed(1));
}

export function share(value: number | null): string {
  return value === null ? '–' : percent(value);
}

/** Shares of values: small ones count. */
export function smallShare(value: number): string {
  if (value === 0) return '0 %';
  return value < 0.01 ? '< 0.01 %' : percent(value);
}

export function points(value: number | null): string {
  if (value === null) return '–';
  const text = value.toFixed(2);
  return text === '-0.00' ? '0.00' : minus(text);
}

export function microseconds(value: number | undefined): string {
  if (value === undefined) return '–';
  return value < 100 ? value.toFixed(1) : count(Math.round(value));
}

/** Four significant digits; small numbers with an exponent. */
export function number(value: number): string {
  const isSmall = value !== 0 && Math.abs(value) < 1e-3;
  const text = isSmall ? value.toExponential(3) : String(Number(value.toPrecision(4)));
  return text.replaceAll('-', '−');
}

export function cosine(value: number): string {
  return minus(value.toFixed(6));
}

export function times(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)}×`;
}

function minus(text: string): string {
  return text.replace('-', '−');
}
