// This package: one synchronous call into an array that the caller keeps.
import { dequantized, newCodes } from '../subject.mjs';

export function requantPeer({ float, int8, codes }) {
  const contender = (name, arithmetic, model, input, output, result = () => output) => ({
    name,
    arithmetic,
    isAsync: false,
    call: () => model.runSync(input, output),
    result,
  });
  return {
    contenders({ batch, rows, codes: rowCodes }) {
      const length = batch * float.outFeatures;
      const outCodes = newCodes(length, codes.output.dtype);
      return [
        contender('int8', 'int8', int8, rows, new Float32Array(length)),
        contender('float32', 'float32', float, rows, new Float32Array(length)),
        contender('int8Codes', 'int8', codes, rowCodes, outCodes, () => dequantized(outCodes, codes.output)),
      ];
    },
    dispose() {
      for (const model of [float, int8, codes]) model.dispose();
    },
  };
}
