import { expected } from '../errors';
import { checkFinite, checkInteger, checkOptionKeys, checkWord } from '../runtime/checks';

/**
 * How the learning rate goes over the training: 'constant', 'linear' and 'cosine' (down to 0), or times `factor` after
 * every so many epochs.
 */
export type Schedule = 'constant' | 'linear' | 'cosine' | { type: 'step'; epochs: number; factor: number };

/** Errors: ERR_ARGUMENT. */
export function checkSchedule(schedule: unknown): asserts schedule is Schedule {
  if (typeof schedule !== 'object' || schedule === null) {
    checkWord('schedule', schedule, ['constant', 'linear', 'cosine']);
    return;
  }
  checkOptionKeys('schedule', schedule, ['type', 'epochs', 'factor']);
  const { type, epochs, factor } = schedule as Extract<Schedule, object>;
  checkWord('schedule.type', type, ['step']);
  checkInteger('schedule.epochs', epochs, 1, 2 ** 31);
  checkFinite('schedule.factor', factor);
  if (!(factor > 0 && factor <= 1)) throw expected('ERR_ARGUMENT', 'schedule.factor in (0, 1]', factor);
}

/** The learning rate of each step of a training. */
export class LearningRate {
  /** Steps that have been made: part of a learner's state. */
  done = 0;
  /** From 1. */
  epoch = 1;

  /** `steps`: of the whole training. */
  constructor(
    private readonly first: number,
    private readonly schedule: Schedule,
    private readonly steps: number,
  ) {}

  /** Of the next step. */
  get now(): number {
    return this.first * this.part();
  }

  /** What decides the rates, for a learner's `identity`. */
  identity(): Readonly<Record<string, string | number>> {
    const { schedule, steps } = this;
    if (schedule === 'constant') return { learningRate: this.first };
    if (typeof schedule === 'object')
      return { learningRate: this.first, schedule: `${schedule.factor} after ${schedule.epochs} epochs` };
    return { learningRate: this.first, schedule, steps };
  }

  private part(): number {
    const { schedule } = this;
    if (schedule === 'constant') return 1;
    if (typeof schedule === 'object') {
      let part = 1;
      for (let e = schedule.epochs; e < this.epoch; e += schedule.epochs) part *= schedule.factor;
      return part;
    }
    const progress = Math.min(this.done / this.steps, 1);
    return schedule === 'linear' ? 1 - progress : Math.max(1 - sineOfQuarters(progress) ** 2, 0);
  }
}

const QUARTER = Math.PI / 2;

/** sin(x·π/2) for x in [0, 1], by its series up to x^17: the same bits on every platform, unlike Math.sin. */
function sineOfQuarters(x: number): number {
  const angle = x * QUARTER;
  const square = angle * angle;
  let term = angle;
  let sum = angle;
  for (let n = 2; n <= 16; n += 2) {
    term = (-term * square) / (n * (n + 1));
    sum += term;
  }
  return sum;
}
