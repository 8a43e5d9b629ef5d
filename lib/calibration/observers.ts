import { EntropyObserver } from './entropy';
import { MinMaxObserver } from './minmax';
import { MovingAverageObserver } from './moving-average';
import { MseObserver } from './mse';
import { PercentileObserver } from './percentile';
import type { RangeObserver } from './range';
import type { Observer } from './types';

/** An observer that can be made: 'auto' chooses among these. */
export type Method = Exclude<Observer, 'auto'>;

/** The parameters that observers read. */
export interface ObserverSettings {
  readonly percentile: number;
  readonly momentum: number;
}

const OBSERVERS: Readonly<Record<Method, (settings: ObserverSettings) => RangeObserver>> = {
  minmax: () => new MinMaxObserver(),
  movingAverage: ({ momentum }) => new MovingAverageObserver(momentum),
  percentile: ({ percentile }) => new PercentileObserver(percentile),
  entropy: () => new EntropyObserver(),
  mse: () => new MseObserver(),
};

/** Every name that `method` may take. */
export const METHOD_NAMES: readonly Observer[] = ['auto', ...(Object.keys(OBSERVERS) as Method[])];

export function isObserverName(value: unknown): value is Observer {
  return METHOD_NAMES.some((name) => name === value);
}

export function createObserver(method: Method, settings: ObserverSettings): RangeObserver {
  return OBSERVERS[method](settings);
}
