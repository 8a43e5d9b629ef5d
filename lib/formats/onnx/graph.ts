import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expected, RequantError } from '../../errors';
import { isSize } from '../sizes';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb';
import { dataTypeOf, type OnnxDType } from './tensor';

/** Tagged, since a JavaScript number does not say whether ONNX wants an INT or a FLOAT. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly tensor: TensorProto }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] };

/**
 * A step that reads and writes named values; an empty input name leaves an optional input out. `domain`: '' for ONNX's
 * own operators. `name`: by default that of the first output.
 *
 * Errors: ERR_ARGUMENT.
 */
export function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
  name = outputs[0],
): NodeProto {
  if (opType === '') throw expected('ERR_ARGUMENT', 'the type of an operator', opType);
  const [first] = outputs;
  if (first === undefined || first === '')
    throw expected('ERR_ARGUMENT', `an output of ${describe(opType)}`, first);
  return create(NodeProtoSchema, {
    ...(name !== undefined && { name }),
    opType,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    ...(domain !== '' && { domain }),
  });
}

function attribute(name: string, value: Attribute): AttributeProto {
  const write = (init: MessageInitShape<typeof AttributeProtoSchema>) =>
    create(AttributeProtoSchema, { ...init, name });
  if ('int' in value) return write({ type: AttributeType.INT, i: int64(name, value.int) });
  if ('float' in value) return write({ type: AttributeType.FLOAT, f: Math.fround(value.float) });
  if ('string' in value)
    return write({ type: AttributeType.STRING, s: new TextEncoder().encode(value.string) });
  if ('tensor' in value) return write({ type: AttributeType.TENSOR, t: value.tensor });
  if ('ints' in value)
    return write({ type: AttributeType.INTS, ints: value.ints.map((i) => int64(name, i)) });
  return write({ type: AttributeType.FLOATS, floats: value.floats.map(Math.fround) });
}

function int64(name: string, value: number): bigint {
  if (!Number.isSafeInteger(value))
    throw expected('ERR_ARGUMENT', `safe integers as attribute ${describe(name)}`, value);
  return BigInt(value);
}

/** The name and type of an input or output. A dimension is a size, or a name where the size is the caller's choice. */
export function value(name: string, dtype: OnnxDType, dims: readonly (number | string)[]): ValueInfoProto {
  if (name === '') throw expected('ERR_ARGUMENT', 'a name for a value', name);
  const bad = dims.find((size) => !(isSize(size) || (typeof size === 'string' && size !== '')));
  if (bad !== undefined) throw expected('ERR_SHAPE', `sizes or names as dims of ${describe(name)}`, bad);
  const dim = dims.map((size) => ({
    value:
      typeof size === 'string'
        ? { case: 'dimParam' as const, value: size }
        : { case: 'dimValue' as const, value: BigInt(size) },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: dataTypeOf(dtype), shape: { dim } } } },
  });
}

export interface GraphParts {
  readonly name: string;
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly initializers: readonly TensorProto[];
  /** Topologically sorted. */
  readonly nodes: readonly NodeProto[];
}

/**
 * Checks that each value is written once, and before it is read.
 *
 * Errors: ERR_ARGUMENT.
 */
export function graph({ name, inputs, outputs, initializers, nodes }: GraphParts): GraphProto {
  if (name === '') throw expected('ERR_ARGUMENT', 'a name for a graph', name);
  const written = new Set<string>();
  const write = (value: string) => {
    if (written.has(value)) throw expected('ERR_ARGUMENT', 'values that are written once', value);
    written.add(value);
  };
  const read = (value: string, reader: string) => {
    if (!written.has(value))
      throw new RequantError(
        'ERR_ARGUMENT',
        `expected ${describe(value)} to be written before ${describe(reader)} reads it`,
      );
  };
  for (const { name } of [...inputs, ...initializers]) write(name);
  for (const { opType, input, output } of nodes) {
    for (const value of input) if (value !== '') read(value, opType);
    for (const value of output) if (value !== '') write(value);
  }
  for (const { name } of outputs) read(name, 'the output');
  return create(GraphProtoSchema, {
    name,
    input: [...inputs],
    output: [...outputs],
    initializer: [...initializers],
    node: [...nodes],
  });
}
