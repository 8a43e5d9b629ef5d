import { expect, it } from 'vitest';
import { LearnedSteps } from '../../../lib/training/qat/learned-steps';

const f = Math.fround;

it('steps are base·relative; what an optimizer gets is the gradient times its scale over base', () => {
  const steps = new LearnedSteps([0.5, 0.5]);
  steps.start([0.25, 4]);
  steps.relative[0] = 1.5;
  expect([...steps.steps()]).toEqual([0.375, 4]);
  expect(steps.step(1)).toBe(4);
  steps.gradient.set([3, -2]);
  expect([...steps.takeGradient()]).toEqual([6, -0.25]);
  // Begins anew.
  expect([...steps.takeGradient()]).toEqual([0, 0]);
});

it('plain gradient descent moves a step as LSQ does: by its own scaled gradient', () => {
  const steps = new LearnedSteps([0.1]);
  steps.start([0.02]);
  steps.gradient[0] = 7;
  const rate = 1e-4;
  steps.relative[0]! -= rate * steps.takeGradient()[0]!;
  expect(steps.step(0)).toBeCloseTo(0.02 - rate * 0.1 * 7, 6);
});

it('a step that came out another is taken over, and none gets out of hand', () => {
  const steps = new LearnedSteps([1]);
  steps.start([0.5]);
  steps.correct(0, 0.75);
  expect(steps.relative[0]).toBe(1.5);
  steps.relative[0] = -3;
  steps.limit();
  expect(steps.step(0)).toBe(f(0.5 * 2 ** -8));
});
