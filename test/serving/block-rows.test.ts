import { expect, it } from 'vitest';
import { linear, MLP } from '../../lib/index';
import { blockRows } from '../../lib/serving/block-rows';
import { expectError } from '../support/errors';

const make = () => new MLP([linear({ inFeatures: 3, outFeatures: 2 })]);

it('nothing may run on the event loop where no time is allowed', () => {
  expect(blockRows(make(), 0)).toBe(-1);
});

it('nothing, where one row takes longer', () => {
  expect(blockRows(make(), Number.MIN_VALUE)).toBe(-1);
});

it('some rows, where there is time', () => {
  expect(blockRows(make(), 60_000)).toBeGreaterThan(1000);
});

it('a disposed model is ERR_DISPOSED', () => {
  const model = make();
  model.dispose();
  expectError(() => blockRows(model, 1), 'ERR_DISPOSED');
});
