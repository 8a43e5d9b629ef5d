import { describe, expect, it } from 'vitest';
import { type Layer, linear, MLP, relu, sigmoid } from '../../lib/index';
import { countCorrect, decisionThreshold } from '../../lib/models/decision';

describe('decisionThreshold', () => {
  it('is 0 for a logit and ½ behind a sigmoid', () => {
    const threshold = (...layers: Layer[]): number => {
      using model = new MLP([linear({ inFeatures: 2, outFeatures: 1 }), ...layers]);
      return decisionThreshold(model);
    };
    expect([threshold(), threshold(relu()), threshold(sigmoid())]).toEqual([0, 0, 0.5]);
  });
});

describe('countCorrect', () => {
  it('takes the argmax, the first of equal ones', () => {
    const outputs = Float32Array.of(1, 2, 0, 3, 3, 1, 0, 0, 5);
    expect(countCorrect(outputs, 3, 0, [1, 0, 2])).toBe(3);
    expect(countCorrect(outputs, 3, 0, [0, 1, 2])).toBe(1);
  });

  it('compares a single output with the threshold', () => {
    expect(countCorrect(Float32Array.of(-1, 0.4, 0.6), 1, 0.5, [0, 0, 1])).toBe(3);
    expect(countCorrect(Float32Array.of(-1, 0.4, 0.6), 1, 0, [0, 0, 1])).toBe(2);
  });
});
