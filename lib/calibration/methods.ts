import type { Observer } from './types';

/** An observer that can be made: 'auto' chooses among these. */
export type Method = Exclude<Observer, 'auto'>;

/** Every name that `method` may take. */
export const METHOD_NAMES: readonly Observer[] = [
  'auto',
  'minmax',
  'movingAverage',
  'percentile',
  'entropy',
  'mse',
];

export function isObserverName(value: unknown): value is Observer {
  return METHOD_NAMES.some((name) => name === value);
}
