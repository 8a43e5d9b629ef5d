import { describe, expect, it } from 'vitest';
import { checkSchedule, LearningRate, type Schedule } from '../../lib/training/schedule';
import { expectError } from '../support/errors';

function rates(schedule: Schedule, steps: number, stepsAnEpoch: number): number[] {
  const rate = new LearningRate(0.1, schedule, steps);
  return Array.from({ length: steps }, (_, i) => {
    rate.done = i;
    rate.epoch = Math.floor(i / stepsAnEpoch) + 1;
    return rate.now;
  });
}

describe('LearningRate', () => {
  it('constant, and linear to 0', () => {
    expect(rates('constant', 3, 1)).toEqual([0.1, 0.1, 0.1]);
    expect(rates('linear', 4, 1)).toEqual([0.1, 0.1 * 0.75, 0.1 * 0.5, 0.1 * 0.25]);
  });

  it('cosine: (1 + cos(π·done/total))/2', () => {
    rates('cosine', 1000, 10).forEach((rate, i) => {
      expect(rate).toBeCloseTo((0.1 * (1 + Math.cos((Math.PI * i) / 1000))) / 2, 13);
    });
    const last = new LearningRate(0.1, 'cosine', 10);
    last.done = 12;
    expect(last.now).toBeCloseTo(0, 15);
  });

  it('steps: times the factor after every so many epochs', () => {
    const found = rates({ type: 'step', epochs: 2, factor: 0.5 }, 12, 2);
    expect(found).toEqual([0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025]);
  });

  it('the number of steps decides where the rate depends on it', () => {
    expect(new LearningRate(0.1, 'cosine', 7).identity()).toEqual({
      learningRate: 0.1,
      schedule: 'cosine',
      steps: 7,
    });
    expect(new LearningRate(0.1, 'constant', 7).identity()).toEqual({ learningRate: 0.1 });
  });
});

it.each([
  ['another word', 'exponential'],
  ['null', null],
  ['no type', { epochs: 2, factor: 0.5 }],
  ['no epochs', { type: 'step', epochs: 0, factor: 0.5 }],
  ['a factor above 1', { type: 'step', epochs: 1, factor: 2 }],
  ['a factor of 0', { type: 'step', epochs: 1, factor: 0 }],
  ['an unknown key', { type: 'step', epochs: 1, factor: 1, gamma: 2 }],
])('refuses %s', (_, schedule) => {
  expectError(() => checkSchedule(schedule), 'ERR_ARGUMENT');
});
