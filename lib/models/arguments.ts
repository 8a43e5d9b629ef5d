import { expected } from '../errors';
import { checkFinite, checkOptionKeys } from '../runtime/checks';
import type { Port, Rows, RunOptions } from './model';

/** Checks of what a model is run with: the same words for one call and for one that is merged with others. */

/** Rows of an input of an acceptable type. Errors: ERR_DTYPE, ERR_SHAPE. */
export function rowsOf(input: Rows, port: Port): number {
  checkRows('input', input, port);
  const rows = input.length / port.features;
  if (!Number.isInteger(rows))
    throw expected('ERR_SHAPE', `input of whole rows of ${port.features} features`, `${input.length} values`);
  return rows;
}

/** Floats always; codes where the port has that type. Errors: ERR_DTYPE. */
export function checkRows(name: string, rows: Rows, port: Port): void {
  if (rows instanceof Float32Array) return;
  const dtype = rows instanceof Uint8Array ? 'uint8' : rows instanceof Int8Array ? 'int8' : undefined;
  if (dtype !== undefined && dtype === port.dtype) return;
  const codes =
    port.dtype === 'float32' ? '' : ` or ${port.dtype === 'int8' ? 'an Int8Array' : 'a Uint8Array'} of codes`;
  throw expected('ERR_DTYPE', `${name} to be a Float32Array${codes}`, rows);
}

/** Options of `run`; `length`: elements of the result. Errors: ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE. */
export function checkRunOptions(
  options: RunOptions & { output?: Rows | undefined },
  port: Port,
  length: number,
): void {
  checkOptionKeys('options', options, ['signal', 'timeout', 'output']);
  const { signal, timeout, output } = options;
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function')
    throw expected('ERR_ARGUMENT', 'signal to be an AbortSignal', signal);
  if (timeout !== undefined) checkFinite('timeout', timeout);
  if (timeout !== undefined && timeout < 0) throw expected('ERR_ARGUMENT', 'timeout to be ≥ 0', timeout);
  if (output === undefined) return;
  checkRows('output', output, port);
  if (output.length !== length) throw expected('ERR_SHAPE', `output of length ${length}`, output.length);
}

/** An output may have been transferred while its run went on. Errors: ERR_SHAPE. */
export function checkStillThere(output: Rows, length: number): void {
  if (output.length !== length)
    throw expected('ERR_SHAPE', `output of length ${length} until the run has ended`, output.length);
}
