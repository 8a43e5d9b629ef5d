// The instruction peak of one core: what the kernel's multiply instructions reach on registers alone, measured beside
// each cell, since the clock of a shared machine changes. Undefined where the addon cannot tell.
import { native } from './requant.mjs';

/** { int8, float32 }: multiply-adds a second. */
export function instructionPeak(milliseconds) {
  const addon = native();
  if (typeof addon.instructionPeak !== 'function') return undefined;
  const { macsPerSecond, fmasPerSecond } = addon.instructionPeak(milliseconds);
  return { int8: macsPerSecond, float32: fmasPerSecond };
}

/** The mean of two measurements. */
export function between(before, after) {
  if (before === undefined || after === undefined) return undefined;
  return { int8: (before.int8 + after.int8) / 2, float32: (before.float32 + after.float32) / 2 };
}
