import { describe, expect, it } from 'vitest';
import { RowStore } from '../../lib/serving/row-store';
import { expectError } from '../support/errors';
import { Seeded } from '../support/random';

describe('RowStore', () => {
  it('gives back the rows, in any order of coming and going', () => {
    const random = new Seeded(17);
    const store = new RowStore(new Int8Array(0), 3);
    const kept: { slots: readonly number[]; rows: Int8Array }[] = [];
    let most = 0;
    for (let step = 0; step < 2000; step++) {
      if (kept.length > 0 && random.uniform() < 0.5) {
        const [{ slots, rows }] = kept.splice(random.integer(0, kept.length - 1), 1) as [(typeof kept)[0]];
        const out = new Int8Array(rows.length + 3).fill(99);
        expect(store.copyTo(out, 1, slots)).toBe(1 + slots.length);
        expect([...out]).toEqual([99, 99, 99, ...rows]);
        store.release(slots);
      } else {
        const count = random.integer(0, 5);
        const rows = random.int8s(3 * count);
        kept.push({ slots: store.put(rows, count), rows });
      }
      const all = kept.flatMap(({ slots }) => slots);
      expect(new Set(all).size).toBe(all.length);
      most = Math.max(most, all.length);
      // Slots are used again: none has a higher number than there ever were rows at once.
      for (const slot of all) expect(slot).toBeLessThan(most);
    }
  });

  it('more than there is memory for is ERR_MEMORY', () => {
    expectError(() => new RowStore(new Float32Array(0), 2 ** 40), 'ERR_MEMORY');
    const store = new RowStore(new Int8Array(0), 2);
    expectError(() => store.put(new Int8Array(0), 2 ** 50), 'ERR_MEMORY');
    expect(store.put(new Int8Array([1, 2]), 1)).toEqual([0]);
  });

  it('finds NaN in the rows that are asked for', () => {
    const store = new RowStore(new Float32Array(0), 2);
    const good = store.put(new Float32Array([1, 2, 3, 4]), 2);
    const bad = store.put(new Float32Array([5, Number.NaN]), 1);
    expect([
      store.hasNaN(good),
      store.hasNaN(bad),
      store.hasNaN([...good, ...bad]),
      store.hasNaN([]),
    ]).toEqual([false, true, true, false]);
  });
});
