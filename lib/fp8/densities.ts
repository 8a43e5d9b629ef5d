import { expected } from '../errors';
import { integrate } from './quadrature';

/**
 * How values are spread: a probability density on [min, max], and maybe mass that sits on the two ends because what
 * lay beyond was clipped to them. Mass inside and on the ends is 1 together.
 */
export interface Density {
  /** Inside (min, max). */
  pdf(x: number): number;
  readonly min: number;
  readonly max: number;
  readonly massAtMin: number;
  readonly massAtMax: number;
  /** The pdf is smooth over pieces of this width: polynomials of degree 15 follow it. */
  readonly width: number;
}

/** U[min, max]. Errors: ERR_ARGUMENT. */
export function uniform(min = -1, max = 1): Density {
  checkSupport(min, max);
  const height = 1 / (max - min);
  return { pdf: () => height, min, max, massAtMin: 0, massAtMax: 0, width: max - min };
}

/** N(mean, deviation²), clipped at mean ± `clip` deviations (default 10). Errors: ERR_ARGUMENT. */
export function gaussian(options: { mean?: number; deviation?: number; clip?: number } = {}): Density {
  const { mean = 0, deviation = 1, clip = 10 } = options;
  checkPositive('deviation', deviation);
  checkPositive('clip', clip);
  return clipped((t) => Math.exp(-(t * t) / 2), mean, deviation, clip);
}

/**
 * Student's t with `degrees` of freedom, times `scale`, clipped at ± `clip`·scale (default 100). Its tails are heavy:
 * with 2 degrees or fewer the variance is finite only for the clipping. Errors: ERR_ARGUMENT.
 */
export function studentT(options: { degrees: number; scale?: number; clip?: number }): Density {
  const { degrees, scale = 1, clip = 100 } = options;
  checkPositive('degrees', degrees);
  checkPositive('scale', scale);
  checkPositive('clip', clip);
  return clipped((t) => (1 + (t * t) / degrees) ** (-(degrees + 1) / 2), 0, scale, clip);
}

/**
 * Any density: `pdf` need not be normalized. `width`: over pieces of this width it is smooth, jumps lie between them;
 * default 1/256 of the support. Errors: ERR_ARGUMENT where its integral is no finite number above 0.
 */
export function density(options: {
  pdf: (x: number) => number;
  min: number;
  max: number;
  width?: number;
}): Density {
  const { pdf, min, max } = options;
  checkSupport(min, max);
  const { width = (max - min) / 256 } = options;
  checkPositive('width', width);
  if (typeof pdf !== 'function') throw expected('ERR_ARGUMENT', 'pdf to be a function', pdf);
  const mass = integrate(pdf, min, max, width);
  checkPositive('the integral of pdf', mass);
  return { pdf: (x) => pdf(x) / mass, min, max, massAtMin: 0, massAtMax: 0, width };
}

/** A symmetric density of t = (x − centre)/scale, clipped at |t| = clip. */
function clipped(shape: (t: number) => number, centre: number, scale: number, clip: number): Density {
  const inside = integrate(shape, 0, clip, 1 / 2);
  // t = clip/u takes the tail to (0, 1], where it is smooth and 0 at 0.
  const tail = integrate((u) => (shape(clip / u) * clip) / (u * u), 0, 1, 1 / 64);
  const whole = 2 * (inside + tail);
  return {
    pdf: (x) => shape((x - centre) / scale) / (whole * scale),
    min: centre - clip * scale,
    max: centre + clip * scale,
    massAtMin: tail / whole,
    massAtMax: tail / whole,
    width: scale / 2,
  };
}

function checkSupport(min: number, max: number): void {
  if (!(Number.isFinite(min) && Number.isFinite(max) && min < max))
    throw expected('ERR_ARGUMENT', 'finite ends min < max', `[${min}, ${max}]`);
}

function checkPositive(name: string, value: number): void {
  if (!(value > 0 && value < Infinity))
    throw expected('ERR_ARGUMENT', `${name} to be a finite number > 0`, value);
}
