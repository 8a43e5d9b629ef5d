import { type ErrorCode, RequantError } from '../errors';
import { deadline } from './deadline';
import {
  callNative,
  type NativePlan,
  type NativeProgram,
  type NativeRows,
  type NativeRun,
  native,
  toRequantError,
} from './native';

export interface RunControl {
  signal?: AbortSignal | undefined;
  /** Milliseconds from the call. */
  timeout?: number | undefined;
}

/** Which arrays of a run no one else has: they are read and written in place. The others are copied. */
export type Own = 'none' | 'output' | 'both';

export function disposed(): RequantError {
  return new RequantError('ERR_DISPOSED', 'expected a live model but received a disposed one');
}

/** How every run of a plan goes. */
export interface PlanSettings {
  /** Most threads of one run; undefined: all of the pool. */
  readonly threads?: number | undefined;
  readonly nanIsZero: boolean;
}

/** A compiled program in native memory. Sizes and types are checked below; `run` needs them to be right already. */
export class Plan {
  private handle: NativePlan | undefined;
  private readonly nanIsZero: boolean;
  /** The shortest way in; throws errors as the addon does (`toRequantError`), after `release` too. */
  readonly runNative: NativeRun;

  constructor(program: NativeProgram, { threads = 0, nanIsZero }: PlanSettings) {
    this.nanIsZero = nanIsZero;
    this.handle = callNative((addon) => addon.compilePlan(program, threads));
    this.runNative = native().bindPlan(this.handle, nanIsZero);
  }

  private get live(): NativePlan {
    if (this.handle === undefined) throw disposed();
    return this.handle;
  }

  runSync<O extends NativeRows>(input: NativeRows, output: O): O {
    try {
      this.runNative(input, output);
      return output;
    } catch (error) {
      throw this.handle === undefined ? disposed() : toRequantError(error);
    }
  }

  /** Shows values as well: `values[id]`, where there, receives all rows of value `id`. */
  observe(input: NativeRows, output: NativeRows, values: (NativeRows | undefined)[]): void {
    const handle = this.live;
    callNative((addon) => addon.observePlan(handle, input, output, this.nanIsZero, values));
  }

  /** The weights of the int8 layer that writes value `value`, as they came. Errors: ERR_DISPOSED. */
  unpackWeights<O extends Int8Array | Uint8Array>(value: number, out: O): O {
    const handle = this.live;
    return callNative((addon) => addon.unpackWeights(handle, value, out));
  }

  /** Runs off the event loop; `output` holds the result when it resolves. */
  run(input: NativeRows, output: NativeRows, own: Own, control: RunControl): Promise<void> {
    const { signal, timeout } = control;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      let timer: NodeJS.Timeout | undefined;
      const settle = (action: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        action();
      };
      const id = callNative((addon) =>
        addon.submitPlan(
          this.live,
          input,
          output,
          own !== 'none',
          own === 'both',
          this.nanIsZero,
          (code, message) => {
            settle(() => {
              if (code === undefined) resolve();
              else reject(new RequantError(code as ErrorCode, message ?? ''));
            });
          },
        ),
      );
      // A promise settles once: what the cancelled run reports later is ignored.
      const cancel = (reason: unknown) => {
        native().cancelRun(id);
        settle(() => reject(reason));
      };
      const onAbort = () => cancel(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeout !== undefined) timer = deadline(timeout, cancel);
    });
  }

  /** Frees the native memory once running calls have ended. Idempotent. */
  release(): void {
    if (this.handle === undefined) return;
    native().releasePlan(this.handle);
    this.handle = undefined;
  }
}
