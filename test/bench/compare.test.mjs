import { describe, expect, it } from 'vitest';
import { compare, differences, verdict } from '../../bench/compare.mjs';

const about = (median, spread = 0.01) => ({ median, q1: median * (1 - spread), q3: median * (1 + spread) });
const time = (p50, spread = 0.01) => ({ p50, q1: p50 * (1 - spread), q3: p50 * (1 + spread) });
const run = (...cells) => ({ cells });
const cell = (ratios, contenders = {}) => ({ model: 'A', batch: 1, threads: 1, ratios, contenders });

describe('verdict', () => {
  it('wants quartiles apart', () => {
    expect(verdict(about(2), about(1.7))).toBe('slower');
    expect(verdict(about(2), about(2.3))).toBe('faster');
    expect(verdict(about(2, 0.1), about(1.7, 0.1))).toBe('same');
    expect(verdict(about(2, 0.1), about(2.3, 0.1))).toBe('same');
  });

  it('takes small changes for none, however steady', () => {
    expect(verdict(about(2, 0.001), about(1.85, 0.001))).toBe('same');
    expect(verdict(about(2, 0.001), about(2.15, 0.001))).toBe('same');
  });
});

describe('compare', () => {
  it('takes a slower machine for no change', () => {
    const before = cell({ int8VsOrtFloat32: about(4) }, { int8: time(10) });
    const after = cell({ int8VsOrtFloat32: about(4) }, { int8: time(20) });
    expect(compare(run(before), run(after))).toEqual([
      { cell: 'A, batch 1, threads 1', name: 'int8', by: 'int8VsOrtFloat32', change: 0, verdict: 'same' },
    ]);
  });

  it('takes a disturbed peer for no change', () => {
    const before = cell({ int8VsOrtInt8: about(2), int8VsOrtFloat32: about(4) }, { int8: time(10) });
    const after = cell({ int8VsOrtInt8: about(1), int8VsOrtFloat32: about(4) }, { int8: time(10) });
    expect(compare(run(before), run(after))[0]).toMatchObject({ change: 0, verdict: 'same' });
  });

  it('believes in what all agree on, and tells the mildest', () => {
    const before = cell({ int8VsOrtInt8: about(2), int8VsOrtFloat32: about(4) }, { int8: time(10) });
    const after = cell({ int8VsOrtInt8: about(1), int8VsOrtFloat32: about(3) }, { int8: time(20) });
    const slower = { by: 'int8VsOrtFloat32', change: -0.25, verdict: 'slower' };
    expect(compare(run(before), run(after))[0]).toMatchObject(slower);
    expect(compare(run(after), run(before))[0]).toMatchObject({ verdict: 'faster' });
  });

  it('goes by time alone without a common peer, by ratios alone on another CPU', () => {
    const before = cell({ int8VsOrtFloat32: about(4) }, { int8: time(10) });
    const [alone] = compare(run(before), run(cell({}, { int8: time(20) })));
    expect(alone).toMatchObject({ by: 'time', change: -0.5, verdict: 'slower' });
    const after = cell({ int8VsOrtFloat32: about(2) }, { int8: time(10) });
    const [other] = compare({ cpu: 'x', ...run(before) }, { cpu: 'y', ...run(after) });
    expect(other).toMatchObject({ by: 'int8VsOrtFloat32', change: -0.5, verdict: 'slower' });
  });

  it('leaves out cells and contenders that one run lacks', () => {
    const a = cell({}, { int8: time(10), float32: time(30) });
    const b = cell({}, { int8: time(10) });
    expect(compare(run(a), run(b)).map(({ name }) => name)).toEqual(['int8']);
    expect(compare(run(a), run({ ...a, batch: 8 }))).toEqual([]);
  });
});

describe('differences', () => {
  it('names what makes runs hard to compare', () => {
    const before = { cpu: 'x', kernel: 'avx2', node: 'v20', quick: false };
    expect(differences(before, before)).toEqual([]);
    expect(differences(before, { ...before, kernel: 'scalar' })).toEqual(['kernel: avx2 then, scalar now']);
  });
});
