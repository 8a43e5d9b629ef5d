import type { Calibration } from '../../calibration/types';
import { expected } from '../../errors';
import { formatName } from '../../fp8/format';
import { DEFAULT_GROUP_SIZE } from '../../quantization/int4';
import type { RecordStep } from '../graph';
import { MLP } from '../mlp';
import { QuantizedMLP } from '../quantized-mlp';
import { runtimeSettings } from '../runtime-options';
import { lower } from './lower';
import { QUANTIZE_OPTION_KEYS, type QuantizeOptions, quantizeSettings } from './options';

export type { QuantizeOptions };

/**
 * The int8, int4 or float8 form of a float model; `model` is untouched. Pure and synchronous. Static layers need the ranges of a
 * calibration; for models that are all dynamic or weight-only it may be null. Weights of layers with their own
 * `quantization` keep the grid chosen there.
 *
 * Errors: ERR_ARGUMENT (options; a range is missing), ERR_SHAPE, ERR_OVERFLOW, ERR_UNSUPPORTED, ERR_KERNEL.
 */
export function quantize(
  model: MLP,
  calibration: Calibration | null,
  options: QuantizeOptions = {},
): QuantizedMLP {
  if (!(model instanceof MLP)) throw expected('ERR_MODEL_KIND', 'a float MLP', model);
  if (calibration !== null && (typeof calibration?.ranges !== 'object' || calibration.ranges === null)) {
    throw expected('ERR_ARGUMENT', 'a calibration or null', calibration);
  }
  const settings = quantizeSettings(model.graph, options);
  const runtime = runtimeSettings(options, QUANTIZE_OPTION_KEYS);
  const graph = lower(model.graph, calibration, settings);
  return QuantizedMLP.fromGraph(
    { ...graph, record: [...graph.record, ...recordOf(calibration, options)] },
    model.metadata,
    runtime,
  );
}

function recordOf(calibration: Calibration | null, options: QuantizeOptions): RecordStep[] {
  const {
    mode = 'static',
    rounding = 'half-up',
    weights = 'per-channel',
    activations = 'asymmetric',
  } = options;
  const {
    inputs = 'per-tensor',
    output = 'float32',
    format = 'int8',
    groupSize = DEFAULT_GROUP_SIZE,
    bits,
    activationBits,
  } = options;
  const quantized = {
    step: 'quantize',
    mode,
    ...(format !== 'int8' && { format: typeof format === 'object' ? formatName(format) : format }),
    ...(typeof format === 'object' && format.max !== undefined && { max: format.max }),
    ...(format === 'int4' && { groupSize }),
    ...(bits !== undefined && { bits }),
    ...(activationBits !== undefined && { activationBits }),
    rounding,
    weights,
    activations,
    inputs,
    output,
  };
  return calibration === null
    ? [quantized]
    : [{ step: 'calibrate', method: calibration.method, rows: calibration.rows }, quantized];
}
