import type { Spread } from '../../timing/statistics';
import { count, plural, table } from '../format';
import type { Cell, ContenderName } from './cells';

const TITLES: Readonly<Record<ContenderName, string>> = {
  int8: 'int8',
  float32: 'float32',
  onnxruntime: 'ORT float32',
};

/** One line a cell; columns only of those that took part. */
export function cellTable(cells: readonly Cell[]): string {
  const names = (Object.keys(TITLES) as ContenderName[]).filter((name) =>
    cells.some((cell) => cell.contenders[name]),
  );
  const ratios = (['float32', 'onnxruntime'] as const).filter((name) =>
    cells.some((cell) => cell.ratios[name]),
  );
  const header = [
    'threads',
    'batch',
    ...names.flatMap((name) => [`${TITLES[name]} µs`, 'p99', 'rows/s']),
    ...ratios.map((name) => `${TITLES[name]} / int8`),
  ];
  const lines = cells.map((cell) => [
    String(cell.threads),
    count(cell.batch),
    ...names.flatMap((name) => {
      const measured = cell.contenders[name];
      return measured === undefined
        ? ['–', '–', '–']
        : [micros(measured.p50), micros(measured.p99), count(Math.round(measured.rowsPerSecond))];
    }),
    ...ratios.map((name) => ratioText(cell.ratios[name])),
  ]);
  return table(
    [header, ...lines],
    header.map((_, i) => i),
  );
}

/** Three significant digits, as long as there are no more before the point. */
function micros(value: number): string {
  return value >= 100 ? count(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}

function times(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)}×`;
}

function ratioText(ratio: Spread | undefined): string {
  return ratio === undefined ? '–' : `${times(ratio.median)} (${times(ratio.q1)}–${times(ratio.q3)})`;
}

export type Verdict = 'faster' | 'slower' | 'same';

/** 'same' where less than a quarter of the turns lies on the other side of 1. */
export function verdictOf({ q1, q3 }: Spread): Verdict {
  if (q1 > 1) return 'faster';
  return q3 < 1 ? 'slower' : 'same';
}

/** Whether int8 pays, in times the speed of float32: a sentence for each number of threads. Empty where there is no float32 to compare with. */
export function verdictLines(cells: readonly Cell[]): string[] {
  const threadCounts = [...new Set(cells.map(({ threads }) => threads))];
  return threadCounts.flatMap((threads) => {
    const compared = cells.flatMap(({ threads: own, batch, ratios: { float32 } }) =>
      own === threads && float32 ? [{ batch, ratio: float32, verdict: verdictOf(float32) }] : [],
    );
    if (compared.length === 0) return [];
    const list = (verdict: Verdict) =>
      compared
        .filter((entry) => entry.verdict === verdict)
        .map(({ batch, ratio }) => `${times(ratio.median)} at batch ${count(batch)}`)
        .join(', ');
    const [faster, slower, same] = [list('faster'), list('slower'), list('same')];
    const parts = [
      faster && `int8 pays: ${faster}`,
      same && `makes no clear difference: ${same}`,
      slower && `does not pay: ${slower}`,
    ].filter((part) => part !== '');
    return [
      `Beside float32 on ${plural(threads, 'thread')}, ${parts.join('; ').replace(/^(makes|does) /, 'int8 $1 ')}.`,
    ];
  });
}
