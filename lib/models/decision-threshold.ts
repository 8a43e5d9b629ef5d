import type { Model } from './model';

/** Above it, a single output means class 1: a probability behind a sigmoid, else a logit. */
export function decisionThreshold({ stages }: Model): number {
  const last = stages.findLast(({ op }) => op !== 'quantize' && op !== 'dequantize');
  return last?.op === 'sigmoid' || last?.op === 'hardSigmoid' ? 0.5 : 0;
}
