import { expected, type RequantError } from '../errors';
import { isObserverName, METHOD_NAMES } from './methods';
import { includeZero, type Range } from './range';
import type { Calibration, Observer } from './types';

/** A frozen Calibration. `toJSON` is not enumerable, so that the rest can be posted to a worker thread. */
export function makeCalibration(
  method: Observer,
  rows: number,
  ranges: Iterable<readonly [name: string, range: Range]>,
  kept: Float32Array,
): Calibration {
  const byName: Record<string, { min: number; max: number }> = Object.create(null);
  for (const [name, { min, max }] of ranges) byName[name] = Object.freeze({ min, max });
  const data = { method, rows, ranges: Object.freeze(byName), kept };
  const toJSON = (): object => ({ method, rows, ranges: byName });
  return Object.freeze(Object.defineProperty(data, 'toJSON', { value: toJSON }) as Calibration);
}

/**
 * The inverse of `toJSON`, for parsed JSON of any origin; `kept` is empty. A range that leaves out 0 is extended to it,
 * as everywhere; the ends are rounded to float32.
 *
 * @throws ERR_FORMAT naming the field that is missing or wrong
 */
export function calibrationFromJSON(value: unknown): Calibration {
  if (!isObject(value)) throw wrong('an object {method, rows, ranges} at its root', value);
  const { method, rows, ranges } = value;
  if (!isObserverName(method)) throw wrong(`a method out of ${METHOD_NAMES.join(', ')}`, method);
  if (!(typeof rows === 'number' && Number.isSafeInteger(rows) && rows >= 0)) {
    throw wrong('an integer ≥ 0 as rows', rows);
  }
  if (!isObject(ranges)) throw wrong('an object of {min, max} by value name as ranges', ranges);
  const checked = Object.entries(ranges).map(([name, range]) => [name, checkRange(name, range)] as const);
  return makeCalibration(method, rows, checked, new Float32Array(0));
}

function checkRange(name: string, range: unknown): Range {
  if (!isObject(range)) throw wrong(`a range {min, max} for '${name}'`, range);
  const { min, max } = range;
  if (!isFloat32(min)) throw wrong(`a finite float32 min of '${name}'`, min);
  if (!isFloat32(max)) throw wrong(`a finite float32 max of '${name}'`, max);
  if (min > max) throw wrong(`min ≤ max for '${name}'`, `[${min}, ${max}]`);
  return includeZero(min, max);
}

function isFloat32(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(Math.fround(value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(what: string, received: unknown): RequantError {
  return expected('ERR_FORMAT', `calibration JSON with ${what}`, received);
}
