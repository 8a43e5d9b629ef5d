import { gridValues } from '../fp8/format';
import type { RoundedGrid } from '../quantization/grid-error';

const LEVELS = gridValues('e4m3fn');

/** Every number of E4M3FN by a scale, in order. */
export function scaledLevels(scale: number): number[] {
  const positive = [...LEVELS].map((level) => scale * level);
  return [
    ...positive
      .slice(1)
      .reverse()
      .map((level) => -level),
    ...positive,
  ];
}

/** E4M3FN by a scale, as a grid to round to: the nearest number, a tie to the even code. */
export function e4m3Grid(scale: number): RoundedGrid {
  const max = scale * LEVELS.at(-1)!;
  return { min: -max, max, round: (x) => Math.sign(x) * scale * nearestLevel(Math.abs(x) / scale) };
}

function nearestLevel(x: number): number {
  let [low, high] = [0, LEVELS.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (LEVELS[middle]! <= x) low = middle;
    else high = middle;
  }
  const [below, above] = [x - LEVELS[low]!, LEVELS[high]! - x];
  if (below === above) return LEVELS[low % 2 === 0 ? low : high]!;
  return LEVELS[below < above ? low : high]!;
}
