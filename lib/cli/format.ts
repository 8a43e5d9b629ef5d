/** How numbers, names and tables are printed. */

/** Names and texts of a model file may hold anything: no control character of theirs reaches a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function plural(value: number, unit: string): string {
  return `${count(value)} ${unit}${value === 1 ? '' : 's'}`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log2(value) / 10), 0), BYTE_UNITS.length - 1);
  const scaled = value / 1024 ** power;
  return `${power === 0 ? value : scaled.toFixed(1)} ${BYTE_UNITS[power]}`;
}

export function percent(value: number): string {
  return `${value.toFixed(2)} %`;
}

export function rowRate(rowsPerSecond: number): string {
  return `${count(Math.round(rowsPerSecond))} rows/s`;
}

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

/** Six significant digits. */
export function real(value: number): string {
  return String(Number(value.toPrecision(6)));
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
