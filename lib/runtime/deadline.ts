import { RequantError } from '../errors';

/** Longer delays of `setTimeout` would end at once. */
const MAX_DELAY = 2 ** 31 - 1;

/** Tells `late` when `timeout` ms have gone by without a result. */
export function deadline(timeout: number, late: (error: RequantError) => void): NodeJS.Timeout {
  const error = () =>
    late(new RequantError('ERR_TIMEOUT', `expected a result within ${timeout} ms but received none`));
  return setTimeout(error, Math.min(timeout, MAX_DELAY));
}
