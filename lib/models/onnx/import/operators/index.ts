import type { Translator } from '../operation';
import * as arithmetic from './arithmetic';
import * as branches from './branches';
import * as constantArithmetic from './constant-arithmetic';
import * as elementwise from './elementwise';
import * as folding from './folding';
import * as linear from './linear';
import * as noOps from './no-ops';
import * as rows from './rows';
import * as shapes from './shapes';

/**
 * ONNX's own operators on values of the model. QuantizeLinear, DequantizeLinear and the QOperators belong here as well:
 * nodes `quantize` and `dequantize` of the draft, whose values have codes, and constants that stay quantized.
 */
export const VALUE_OPERATORS: ReadonlyMap<string, Translator> = new Map([
  ['Add', arithmetic.add],
  ['BatchNormalization', rows.batchNormalization],
  ['Cast', noOps.cast],
  ['Clip', elementwise.clip],
  ['Concat', branches.concat],
  ['Div', arithmetic.divide],
  ['Dropout', noOps.dropout],
  ['Elu', elementwise.elu],
  ['Erf', arithmetic.erf],
  ['Flatten', shapes.flatten],
  ['Gelu', elementwise.gelu],
  ['Gemm', linear.gemm],
  ['HardSigmoid', elementwise.hardSigmoid],
  ['HardSwish', elementwise.hardSwish],
  ['Identity', noOps.identity],
  ['LayerNormalization', rows.layerNormalization],
  ['LeakyRelu', elementwise.leakyRelu],
  ['LogSoftmax', rows.logSoftmax],
  ['MatMul', linear.matMul],
  ['Mul', arithmetic.multiply],
  ['Neg', arithmetic.negate],
  ['Pow', arithmetic.power],
  ['Reciprocal', arithmetic.reciprocal],
  ['ReduceMean', arithmetic.reduceMean],
  ['Relu', elementwise.relu],
  ['Reshape', shapes.reshape],
  ['Shape', shapes.shape],
  ['Sigmoid', elementwise.sigmoid],
  ['Softmax', rows.softmax],
  ['Sqrt', arithmetic.sqrt],
  ['Squeeze', shapes.squeeze],
  ['Sub', arithmetic.subtract],
  ['Sum', arithmetic.sumOf],
  ['Swish', elementwise.swish],
  ['Tanh', elementwise.tanh],
  ['Transpose', shapes.transpose],
  ['Unsqueeze', shapes.unsqueeze],
]);

/** What is computed while a file is read: all inputs are constants, or sizes. */
export const CONSTANT_OPERATORS: ReadonlyMap<string, Translator> = new Map([
  ['Add', constantArithmetic.add],
  ['Cast', folding.cast],
  ['Concat', folding.concat],
  ['Constant', folding.constant],
  ['ConstantOfShape', folding.constantOfShape],
  ['Div', constantArithmetic.divide],
  ['Flatten', folding.flatten],
  ['Gather', folding.gather],
  ['Identity', folding.identity],
  ['Mul', constantArithmetic.multiply],
  ['Neg', constantArithmetic.negate],
  ['Reciprocal', constantArithmetic.reciprocal],
  ['Reshape', folding.reshape],
  ['Slice', folding.slice],
  ['Sqrt', constantArithmetic.sqrt],
  ['Squeeze', folding.squeeze],
  ['Sub', constantArithmetic.subtract],
  ['Transpose', folding.transpose],
  ['Unsqueeze', folding.unsqueeze],
]);

export const SUPPORTED = [...new Set([...VALUE_OPERATORS.keys(), ...CONSTANT_OPERATORS.keys()])].sort();
