import { describe, expect, it } from 'vitest';
import type { Cell } from '../../../lib/cli/benchmark/cells';
import { cellTable, verdictLines } from '../../../lib/cli/benchmark/words';

const measured = { p50: 1.234, p99: 123.4, rowsPerSecond: 1234567.8, samples: 9 };

function cell(batch: number, [q1, median, q3]: [number, number, number], threads = 1): Cell {
  return {
    threads,
    batch,
    turns: 3,
    contenders: { int8: measured, float32: measured },
    ratios: { float32: { q1, median, q3 } },
  };
}

describe('verdictLines', () => {
  it('says at which batches int8 pays, and where not', () => {
    const cells = [cell(1, [0.7, 0.8, 0.9]), cell(8, [0.9, 1.02, 1.1]), cell(32, [2.9, 3, 3.1])];
    expect(verdictLines(cells)).toEqual([
      'Beside float32 on 1 thread, int8 pays: 3.00× at batch 32; makes no clear difference: 1.02× at batch 8; does not pay: 0.80× at batch 1.',
    ]);
  });

  it('names int8 wherever the sentence starts', () => {
    expect(verdictLines([cell(1, [0.7, 0.8, 0.9], 2)])).toEqual([
      'Beside float32 on 2 threads, int8 does not pay: 0.80× at batch 1.',
    ]);
    expect(verdictLines([cell(1, [0.9, 1, 1.1])])[0]).toMatch(/^Beside .*, int8 makes no clear difference/);
  });

  it('has nothing to say of int8 alone', () => {
    expect(verdictLines([{ ...cell(1, [1, 1, 1]), ratios: {} }])).toEqual([]);
  });
});

describe('cellTable', () => {
  it('has columns for those that took part', () => {
    const [header, line] = cellTable([cell(1024, [11.5, 12, 12.5])]).split('\n');
    expect(header!.split(/ {2,}/)).toEqual([
      ...['threads', 'batch', 'int8 µs', 'p99', 'rows/s', 'float32 µs', 'p99', 'rows/s', 'float32 / int8'],
    ]);
    expect(line!.trim().split(/ {2,}/)).toEqual([
      ...['1', '1,024', '1.23', '123', '1,234,568', '1.23', '123', '1,234,568', '12.0× (11.5×–12.5×)'],
    ]);
  });

  it('a dash for who was left out of a cell', () => {
    const some = [{ ...cell(1, [1, 2, 3]), contenders: { int8: measured }, ratios: {} }, cell(8, [1, 2, 3])];
    expect(cellTable(some).split('\n')[1]).toMatch(/– +– +– +–$/);
  });
});
