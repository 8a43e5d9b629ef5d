import { EntropyObserver } from './entropy';
import { Histogram } from './histogram';
import type { Method } from './methods';
import { MinMaxObserver } from './minmax';
import { MovingAverageObserver } from './moving-average';
import { MseObserver } from './mse';
import { PercentileObserver } from './percentile';
import type { Range, RangeObserver } from './range';
import type { Observer } from './types';

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

/** Watches a value for every method at once. */
class AllObservers implements Watcher {
  readonly #histogram = new Histogram();
  readonly #observing: readonly RangeObserver[];
  readonly #byMethod: Readonly<Record<Method, RangeObserver>>;

  constructor({ percentile, momentum }: ObserverSettings) {
    const minmax = new MinMaxObserver();
    const movingAverage = new MovingAverageObserver(momentum);
    this.#observing = [minmax, movingAverage];
    this.#byMethod = {
      minmax,
      movingAverage,
      percentile: new PercentileObserver(percentile, this.#histogram),
      entropy: new EntropyObserver(this.#histogram),
      mse: new MseObserver(this.#histogram),
    };
  }

  observe(data: Float32Array): void {
    this.#histogram.observe(data);
    for (const observer of this.#observing) observer.observe(data);
  }

  endBatch(): void {
    for (const observer of this.#observing) observer.endBatch?.();
  }

  range(method: Method): Range {
    return this.#byMethod[method].range();
  }
}

/** Watches a value, and gives the range of a method that it was made for. */
export interface Watcher extends Pick<RangeObserver, 'observe' | 'endBatch'> {
  range(method: Method): Range;
}

export function createWatcher(method: Observer, settings: ObserverSettings): Watcher {
  return method === 'auto' ? new AllObservers(settings) : createObserver(method, settings);
}

export function createObserver(method: Method, settings: ObserverSettings): RangeObserver {
  return OBSERVERS[method](settings);
}
