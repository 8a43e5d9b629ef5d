import { EntropyObserver } from './entropy';
import type { Method } from './methods';
import { MinMaxObserver } from './minmax';
import { MovingAverageObserver } from './moving-average';
import { MseObserver } from './mse';
import { PercentileObserver } from './percentile';
import type { RangeObserver } from './range';

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

export function createObserver(method: Method, settings: ObserverSettings): RangeObserver {
  return OBSERVERS[method](settings);
}
