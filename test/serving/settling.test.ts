import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { calibrate, linear, MLP, QuantizedMLP, quantize, RequantError } from '../../lib/index';
import { MicroBatcher } from '../../lib/serving';
import { Seeded } from '../support/random';

/**
 * Whatever order calls, aborts, timeouts, a disposal and the close come in: every promise settles, once, and with nothing
 * but its own row's bits or an error that its caller can have caused.
 */

const FEATURES = 5;
const random = new Seeded(307);
const float = new MLP([linear({ inFeatures: FEATURES, outFeatures: 3 })], { seed: 3 });
let model: QuantizedMLP;
let bytes: Uint8Array;

beforeAll(async () => {
  const ranges = await calibrate(float, random.normals(FEATURES * 64), { method: 'minmax' });
  model = quantize(float, ranges);
  bytes = model.toBytes();
});

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('call' as const), rows: fc.integer({ min: 0, max: 4 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('NaN' as const), rows: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'badShape' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'late' as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('abort' as const), call: fc.nat() }) },
  { weight: 3, arbitrary: fc.constant({ do: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sleep' as const }) },
);
const end = fc.constantFrom('close', 'dispose', 'abort all');
const options = fc.record({
  maxBatch: fc.integer({ min: 1, max: 6 }),
  maxQueue: fc.integer({ min: 3, max: 12 }),
  maxRunning: fc.integer({ min: 1, max: 3 }),
  maxDelayMs: fc.constantFrom(0, 1, 60_000),
  maxBlockMs: fc.constantFrom(0, 60_000),
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Made {
  readonly kind: Step['do'];
  readonly expected: Float32Array | undefined;
  readonly controller: AbortController;
  readonly promise: Promise<Float32Array>;
}

function make(batcher: MicroBatcher, kind: 'call' | 'NaN' | 'badShape' | 'late', rows: number): Made {
  const input = random.normals(kind === 'badShape' ? FEATURES + 1 : rows * FEATURES);
  if (kind === 'NaN') input[random.integer(0, input.length - 1)] = Number.NaN;
  const controller = new AbortController();
  const expected = kind === 'call' || kind === 'late' ? model.runSync(input) : undefined;
  const promise = batcher.run(input, {
    signal: controller.signal,
    ...(kind === 'late' && { timeout: 0 }),
  });
  promise.catch(() => {}); // looked at in the end
  return { kind, expected, controller, promise };
}

/** What a call of each kind may end with, besides an abort. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  call: ['ERR_QUEUE_FULL', 'ERR_LIMIT', 'ERR_DISPOSED'],
  late: ['ERR_QUEUE_FULL', 'ERR_LIMIT', 'ERR_DISPOSED', 'ERR_TIMEOUT'],
  NaN: ['ERR_NAN_INPUT', 'ERR_QUEUE_FULL', 'ERR_LIMIT', 'ERR_DISPOSED'],
  badShape: ['ERR_SHAPE'],
};

async function expectSettled({ kind, expected, controller, promise }: Made): Promise<void> {
  const result = await promise.catch((error: unknown) => ({ error }));
  if (!('error' in result)) {
    expect(Buffer.from(result.buffer)).toEqual(Buffer.from(expected!.buffer));
    return;
  }
  const { error } = result;
  if (error === controller.signal.reason) return;
  expect(error).toBeInstanceOf(RequantError);
  expect(CODES[kind]).toContain((error as RequantError).code);
}

describe('every promise settles', () => {
  it('in any order of calls, aborts, timeouts and ends', async () => {
    await fc.assert(
      fc.asyncProperty(options, fc.array(step, { maxLength: 60 }), end, async (settings, steps, ending) => {
        const served = await QuantizedMLP.load(bytes);
        let reported = 0;
        const batcher = new MicroBatcher(served, {
          ...settings,
          onBatch: ({ rows, calls }) => {
            reported++;
            // Only a call that is larger than a batch exceeds it.
            if (calls > 1) expect(rows).toBeLessThanOrEqual(settings.maxBatch);
          },
        });
        const made: Made[] = [];
        for (const action of steps) {
          if (action.do === 'turn') await turn();
          else if (action.do === 'sleep') await sleep(1);
          else if (action.do === 'abort') made[action.call % Math.max(made.length, 1)]?.controller.abort();
          else made.push(make(batcher, action.do, 'rows' in action ? action.rows : 1));
          expect(batcher.stats.queued).toBeLessThanOrEqual(settings.maxQueue);
          expect(batcher.stats.running).toBeLessThanOrEqual(settings.maxRunning);
        }
        if (ending === 'dispose') served.dispose();
        if (ending === 'abort all') for (const { controller } of made) controller.abort();
        await batcher.close();
        for (const call of made) await expectSettled(call);
        const { accepted, answered, failed, aborted, timedOut, refused, batches, ...now } = batcher.stats;
        expect(now).toMatchObject({ pending: 0, queued: 0, running: 0 });
        expect(answered + failed + aborted + timedOut).toBe(accepted);
        expect(accepted + refused).toBeLessThanOrEqual(made.length);
        expect(reported).toBe(batches);
        served.dispose();
      }),
      { numRuns: 300 },
    );
  });
});
