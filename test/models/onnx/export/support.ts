import { fromBinary } from '@bufbuild/protobuf';
import { type GraphProto, ModelProtoSchema } from '../../../../lib/formats/onnx/onnx_pb';
import type { Model } from '../../../../lib/index';
import { exportOnnx } from '../../../../lib/onnx';

export function decoded(bytes: Uint8Array) {
  return fromBinary(ModelProtoSchema, bytes);
}

export function exported(model: Model, opset?: number): GraphProto {
  return decoded(exportOnnx(model, opset === undefined ? {} : { opset })).graph!;
}

/** Operators in order. */
export function operators({ node }: GraphProto): string[] {
  return node.map(({ opType }) => opType);
}

/** The constant of that name, as its elements. */
export function constant({ initializer }: GraphProto, name: string): ArrayLike<number> & Iterable<number> {
  const { dataType, rawData } = initializer.find((tensor) => tensor.name === name)!;
  const { buffer } = rawData.slice();
  if (dataType === 1) return new Float32Array(buffer);
  if (dataType === 6) return new Int32Array(buffer);
  return dataType === 3 ? new Int8Array(buffer) : new Uint8Array(buffer);
}
