import type { ReportFormat } from './types';

export const FORMAT_NAMES: Readonly<Record<'float32' | ReportFormat, string>> = {
  float32: 'float32',
  int8: 'int8',
  e4m3fn: 'FP8 E4M3',
};

/** Variables of the page's style sheet. */
export const FORMAT_COLORS: Readonly<Record<ReportFormat, string>> = {
  int8: 'var(--int8)',
  e4m3fn: 'var(--fp8)',
};
