/** How results and tables are printed. */

import { count, percent, printable } from '../words';

export { bytes, count, percent, plural, printable, real, rowRate } from '../words';

export function accuracy({ correct, percent: share }: { correct: number; percent: number }): string {
  return `${percent(share)} (${count(correct)} right)`;
}

/** None for models of one output. */
export function agreement(share: number | null): string | undefined {
  return share === null ? undefined : `${percent(share)} of rows (the same argmax)`;
}

/** Signal to quantization noise. */
export function sqnr(decibels: number): string {
  return Number.isFinite(decibels) ? `${decibels.toFixed(1)} dB` : '∞ (the same outputs)';
}

/** Columns as wide as their widest cell, two spaces apart; those listed in `right` are aligned to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const cells = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const pad = (cell: string, i: number): string =>
    right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!);
  return cells.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

/** A name and its value a line; lines without a value are left out. */
export function fields(lines: readonly (readonly [name: string, value: string | undefined])[]): string {
  return table(lines.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
