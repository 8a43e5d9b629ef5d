import type { Translator } from '../operation';

/** What changes nothing when a model is used. */

export const identity: Translator = (op) => op.value(0);

/** In inference. The ratio and the training mode are attributes before opset 12, then inputs. */
export const dropout: Translator = (op) => {
  op.ignore('ratio', 'seed');
  const training = op.optionalNumber(2);
  if (training !== undefined && training !== 0) throw op.unsupported('training_mode');
  return op.value(0);
};

/** ONNX's numbers of float32, float16, float64, bfloat16. */
const FLOATS = [1, 10, 11, 16];

/** Among floating-point types: a model computes in float32 whatever type the file's values have. */
export const cast: Translator = (op) => {
  op.ignore('saturate');
  const to = op.int('to', 0);
  if (!FLOATS.includes(to)) throw op.unsupported(`a cast of a value to type ${to}`);
  return op.value(0);
};
