/** How numbers and names are written for people. */

/** Names and texts of a model file may hold anything: no control character of theirs reaches a terminal or a page. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
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

/** Six significant digits. */
export function real(value: number): string {
  return String(Number(value.toPrecision(6)));
}
