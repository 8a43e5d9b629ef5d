import type { calibrate as Calibrate } from '../calibration/calibrate';

// Without its code until it is called: who only serves models does not load it.
/** @function */
export const calibrate: typeof Calibrate = async (...args) =>
  (await import('./calibrate.js')).calibrate(...args);
