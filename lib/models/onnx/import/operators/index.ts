import type { Translator } from '../operation';
import * as conversions from '../quantized/conversions';
import * as integer from '../quantized/operators';
import * as arithmetic from './arithmetic';
import * as branches from './branches';
import * as constantArithmetic from './constant-arithmetic';
import * as elementwise from './elementwise';
import * as folding from './folding';
import * as linear from './linear';
import * as noOps from './no-ops';
import * as rows from './rows';
import * as shapes from './shapes';

/** Operators on values of the model: ONNX's own, and those of other domains with the domain in front. */
export const VALUE_OPERATORS: ReadonlyMap<string, Translator> = new Map([
  ['Add', arithmetic.add],
  ['BatchNormalization', rows.batchNormalization],
  ['Cast', noOps.cast],
  ['Clip', elementwise.clip],
  ['Concat', branches.concat],
  ['DequantizeLinear', conversions.dequantizeLinear],
  ['Div', arithmetic.divide],
  ['Dropout', noOps.dropout],
  ['DynamicQuantizeLinear', integer.dynamicQuantizeLinear],
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
  ['MatMulInteger', integer.matMulInteger],
  ['Mul', integer.multiply],
  ['Neg', arithmetic.negate],
  ['Pow', arithmetic.power],
  ['QLinearMatMul', integer.qLinearMatMul],
  ['QuantizeLinear', conversions.quantizeLinear],
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
  ['com.microsoft.DynamicQuantizeMatMul', integer.dynamicQuantizeMatMul],
  ['com.microsoft.MatMulIntegerToFloat', integer.matMulIntegerToFloat],
  ['com.microsoft.QGemm', integer.qGemm],
]);

/** What is computed while a file is read: all inputs are constants, or sizes. */
export const CONSTANT_OPERATORS: ReadonlyMap<string, Translator> = new Map([
  ['Add', constantArithmetic.add],
  ['Cast', folding.cast],
  ['Concat', folding.concat],
  ['Constant', folding.constant],
  ['ConstantOfShape', folding.constantOfShape],
  ['DequantizeLinear', conversions.dequantizeConstant],
  ['Div', constantArithmetic.divide],
  ['Flatten', folding.flatten],
  ['Gather', folding.gather],
  ['Identity', folding.identity],
  ['Mul', constantArithmetic.multiply],
  ['Neg', constantArithmetic.negate],
  ['QuantizeLinear', conversions.quantizeConstant],
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
