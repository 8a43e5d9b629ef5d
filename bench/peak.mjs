// The instruction peak of one core: what the kernel's multiply instructions reach on registers alone, measured beside
// each cell, since the clock of a shared machine changes. Undefined where the addon cannot tell.
import { native } from './requant.mjs';

/** { int8, float32 }: multiply-adds a second. */
export function instructionPeak(milliseconds) {
  const peak = native().instructionPeak(milliseconds);
  return peak && { int8: peak.macsPerSecond, float32: peak.fmasPerSecond };
}

/** The mean of two measurements. */
export function between(before, after) {
  if (before === undefined || after === undefined) return undefined;
  return { int8: (before.int8 + after.int8) / 2, float32: (before.float32 + after.float32) / 2 };
}
