import { describe, expect, it } from 'vitest';
import { BatchMemory } from '../../lib/serving/batch-memory';
import { expectError } from '../support/errors';

const codes = (...values: number[]) => new Int8Array(values);
const empty = codes();

describe('BatchMemory', () => {
  it('puts rows side by side, and makes room as it goes', () => {
    const memory = new BatchMemory(empty, new Float32Array(0), 2, 3);
    expect(memory.capacity).toBe(0);
    for (let i = 0; i < 100; i++) memory.put(codes(i, -i), i, 64);
    expect(memory.capacity).toBe(100);
    expect([...memory.input(0, 3)]).toEqual([0, 0, 1, -1, 2, -2]);
    expect([...memory.input(98, 2)]).toEqual([98, -98, 99, -99]);
  });

  it('a batch that is full has room for a batch, no more', () => {
    const memory = new BatchMemory(empty, empty, 1, 1);
    for (let i = 0; i < 20; i++) memory.put(codes(i), i, 20);
    expect(memory.capacity).toBe(20);
    const small = new BatchMemory(empty, empty, 1, 1);
    small.put(codes(1), 0, 3);
    expect(small.capacity).toBe(3);
  });

  it('closes gaps, where the places overlap too', () => {
    const memory = new BatchMemory(empty, empty, 1, 1);
    memory.put(codes(1, 2, 3, 4, 5), 0, 8);
    memory.move(0, 1, 4);
    expect([...memory.input(0, 5)]).toEqual([2, 3, 4, 5, 5]);
  });

  it('has room for results, of its own type, and the same again', () => {
    const memory = new BatchMemory(empty, new Uint8Array(0), 2, 3);
    memory.put(new Int8Array(8), 0, 8);
    const results = memory.output(4);
    expect(results).toBeInstanceOf(Uint8Array);
    expect(results.length).toBe(12);
    expect(memory.output(2).buffer).toBe(results.buffer);
    expect(memory.output(8).buffer).toBe(results.buffer);
  });

  it('more than there is memory for is ERR_MEMORY', () => {
    const memory = new BatchMemory(empty, empty, 2 ** 50, 2 ** 50);
    expectError(() => memory.output(1), 'ERR_MEMORY');
    expectError(() => memory.put(codes(1), 0, 8), 'ERR_MEMORY');
  });
});
