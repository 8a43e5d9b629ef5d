import type { Translator } from '../operation';

/** What changes nothing when a model is used. */

export const identity: Translator = (op) => op.valueOrCodes(0);

/** In inference. The ratio and the training mode are attributes before opset 12, then inputs. */
export const dropout: Translator = (op) => {
  op.ignore('ratio', 'seed');
  const training = op.optionalNumber(2);
  if (training !== undefined && training !== 0) throw op.unsupported('training_mode');
  return op.value(0);
};

/** ONNX's numbers of float32, float16, float64, bfloat16. */
const FLOATS = [1, 10, 11, 16];

/** ONNX's numbers of the types of codes. */
const CODES = { uint8: 2, int8: 3 };

/**
 * Among floating-point types: a model computes in float32 whatever type the file's values have. Codes stay of their type;
 * sums of codes become floats.
 */
export const cast: Translator = (op) => {
  op.ignore('saturate');
  const to = op.int('to', 0);
  const term = op.input(0);
  if (term?.kind === 'codes' && CODES[term.dtype] === to) return term;
  if (term?.kind === 'accumulator' && to === FLOATS[0]) return { ...term, isFloat: true };
  if (!FLOATS.includes(to)) throw op.unsupported(`a cast of a value to type ${to}`);
  return op.value(0);
};
