import { type ErrorCode, RequantError } from '../errors';
import {
  callNative,
  type NativePlan,
  type NativeProgram,
  type NativeRows,
  native,
  toRequantError,
} from './native';

/** Longer delays of `setTimeout` would end at once. */
const MAX_DELAY = 2 ** 31 - 1;

export interface RunControl {
  signal?: AbortSignal | undefined;
  /** Milliseconds from the call. */
  timeout?: number | undefined;
}

/** A compiled program in native memory. The arguments of `runSync` and `run` are checked by the caller. */
export class Plan {
  private handle: NativePlan | undefined;

  constructor(program: NativeProgram) {
    this.handle = callNative((addon) => addon.compilePlan(program));
  }

  private get live(): NativePlan {
    if (this.handle === undefined)
      throw new RequantError('ERR_DISPOSED', 'expected a live model but received a disposed one');
    return this.handle;
  }

  runSync<O extends NativeRows>(input: NativeRows, output: O, nanIsZero: boolean): O {
    const handle = this.live;
    try {
      return native().runPlan(handle, input, output, nanIsZero);
    } catch (error) {
      throw toRequantError(error);
    }
  }

  /** Shows values as well: `values[id]`, where there, receives all rows of value `id`. */
  observe(
    input: NativeRows,
    output: NativeRows,
    nanIsZero: boolean,
    values: (NativeRows | undefined)[],
  ): void {
    const handle = this.live;
    callNative((addon) => addon.observePlan(handle, input, output, nanIsZero, values));
  }

  /** Runs off the event loop on a copy of `input`; resolves to the output's bytes. */
  run(
    input: NativeRows,
    elementBytes: 1 | 4,
    outputLength: number,
    nanIsZero: boolean,
    control: RunControl,
  ): Promise<ArrayBuffer> {
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
        addon.submitPlan(this.live, input, elementBytes, outputLength, nanIsZero, (code, message, output) => {
          settle(() => {
            if (output !== undefined) resolve(output);
            else reject(new RequantError(code as ErrorCode, message ?? ''));
          });
        }),
      );
      // A promise settles once: what the cancelled run reports later is ignored.
      const cancel = (reason: unknown) => {
        native().cancelRun(id);
        settle(() => reject(reason));
      };
      const onAbort = () => cancel(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeout !== undefined) {
        const late = () =>
          cancel(new RequantError('ERR_TIMEOUT', `expected a result within ${timeout} ms but received none`));
        timer = setTimeout(late, Math.min(timeout, MAX_DELAY));
      }
    });
  }

  /** Frees the native memory once running calls have ended. Idempotent. */
  release(): void {
    if (this.handle === undefined) return;
    native().releasePlan(this.handle);
    this.handle = undefined;
  }
}
