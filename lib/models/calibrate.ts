import type { calibrate as Calibrate } from '../calibration/calibrate';
import { calibrateJudged } from '../calibration/calibrate';
import { MLP } from './mlp';
import { outputError } from './output-error';

/** `calibrate` with a judge of MLPs for 'auto': calibration/ knows no models. */
export const calibrate: typeof Calibrate = (model, batches, options) =>
  calibrateJudged(
    model,
    batches,
    options,
    model instanceof MLP ? (rows) => outputError(model, rows) : undefined,
  );
