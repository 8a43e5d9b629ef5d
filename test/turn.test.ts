import { expect, it } from 'vitest';
import { Turn } from '../lib/turn';

it('lets the event loop turn when a job has kept it for long', async () => {
  const turn = new Turn(undefined);
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  await turn.yieldWhenDue();
  expect(turned).toBe(false);
  for (const start = performance.now(); performance.now() - start < 25; );
  await turn.yieldWhenDue();
  expect(turned).toBe(true);
});

it('rejects with the reason of its signal', async () => {
  const turn = new Turn(AbortSignal.abort(new Error('enough')));
  await expect(turn.yieldWhenDue()).rejects.toThrow('enough');
});
