import { describe, expect, it } from 'vitest';
import { concat, type Layer, linear, MLP, relu, residual } from '../../lib/index';
import { expectError } from '../support/errors';

const double = linear({ inFeatures: 2, outFeatures: 2, weight: Float32Array.of(2, 0, 0, 2) });
const untyped = <T>(value: unknown) => value as T;
const run = (layers: Layer[], ...row: number[]) => [...new MLP(layers).runSync(Float32Array.from(row))];

describe('residual', () => {
  it('is x + f(x)', () => {
    expect(run([residual([double, relu()])], 3, -4)).toEqual([9, -4]);
  });

  it('an empty list is the identity: x + x', () => {
    expect(run([double, residual([])], 3, -4)).toEqual([12, -16]);
  });

  it('copies and freezes its list', () => {
    const layers = [double];
    const layer = residual(layers);
    layers.pop();
    expect(layer).toEqual({ type: 'residual', layers: [double] });
    expect(Object.isFrozen(layer)).toBe(true);
    expect(Object.isFrozen((layer as unknown as { layers: Layer[] }).layers)).toBe(true);
  });

  it.each([undefined, null, 'relu', { length: 0 }])('refuses %o', (value) => {
    expectError(() => residual(untyped(value)), 'ERR_ARGUMENT', /a list of layers/);
  });
});

describe('concat', () => {
  it('puts branches side by side; an empty one is the identity', () => {
    expect(run([concat([[double], [], [relu()]])], 3, -4)).toEqual([6, -8, 3, -4, 3, 0]);
  });

  it('of one branch is that branch', () => {
    expect(run([concat([[double, relu()]])], 3, -4)).toEqual([6, 0]);
  });

  it('copies and freezes its lists', () => {
    const branch = [double];
    const branches = [branch, []];
    const layer = concat(branches);
    branch.pop();
    branches.pop();
    expect(layer).toEqual({ type: 'concat', branches: [[double], []] });
    const kept = (layer as unknown as { branches: Layer[][] }).branches;
    expect([layer, kept, ...kept].every((value) => Object.isFrozen(value))).toBe(true);
  });

  it.each([undefined, null, [], [double], [[double], null]])('refuses %o', (value) => {
    expectError(() => concat(untyped(value)), 'ERR_ARGUMENT', /a list of/);
  });
});
