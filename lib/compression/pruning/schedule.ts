/** How fast the sparsity rises over the steps. */
export type PruneSchedule = 'linear' | 'cubic';

export const SCHEDULES: readonly PruneSchedule[] = ['linear', 'cubic'];

/**
 * The sparsity after step t of n, t in 1…n.
 *
 *     linear: s·t/n        cubic: s·(1 − (1 − t/n)³)
 *
 * Source of the cubic one: Zhu, Gupta 2017, "To prune, or not to prune", from 0.
 */
export function sparsityAfter(
  schedule: PruneSchedule,
  sparsity: number,
  step: number,
  steps: number,
): number {
  if (step >= steps) return sparsity;
  const left = 1 - step / steps;
  return sparsity * (1 - (schedule === 'linear' ? left : left * left * left));
}
