import { RequantError } from '../errors';
import type { Format } from '../layers/layer';
import type { MLP } from '../models/mlp';
import { type QuantizeOptions, quantize } from '../models/quantize';
import type { QuantizedMLP } from '../models/quantized-mlp';
import type { ReportSettings } from './options';
import { REPORT_FORMATS, type ReportFailure, type ReportFormat } from './types';

/** The model in a format, or why it has none. */
export interface Variant {
  readonly format: ReportFormat;
  readonly model?: QuantizedMLP;
  readonly failure?: ReportFailure;
}

/** The static model in each format. */
export function makeVariants(model: MLP, settings: ReportSettings): Variant[] {
  return REPORT_FORMATS.map((format) => {
    try {
      return { format, model: quantize(model, settings.calibration, optionsOf(format, settings)) };
    } catch (error) {
      if (!(error instanceof RequantError) || !isFinding(error)) throw error;
      return { format, failure: { code: error.code, message: error.message } };
    }
  });
}

/** Which of quantize's options a format takes: int8's grids are chosen, FP8's are what they are. */
function optionsOf(format: ReportFormat, { quantize: own }: ReportSettings): QuantizeOptions {
  return { threads: 1, format: format as Format, ...(format === 'int8' ? own : {}) };
}

/** That a model cannot have a form is a finding of the report; that memory is short, or the model gone, is not. */
export function isFinding({ code }: RequantError): boolean {
  return code !== 'ERR_MEMORY' && code !== 'ERR_DISPOSED';
}
