import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expected } from '../../errors';
import { version as packageVersion } from '../../version';
import { type GraphProto, ModelProtoSchema } from './onnx_pb';

/** A protobuf message cannot be larger; larger models keep their tensors in other files. */
export const MAX_ONNX_BYTES = 2 ** 31 - 1;

/** The format's version that goes with opset 17 (docs/Versioning.md of ONNX). */
const IR_VERSION = 8n;
export const DEFAULT_OPSET = 17;

export interface EncodeOptions {
  /** Version of ONNX's own operators. */
  readonly opset?: number;
  /** Versions of the other domains that the nodes name. */
  readonly domains?: Readonly<Record<string, number>>;
}

/**
 * The bytes of a .onnx file.
 *
 * Errors: ERR_ARGUMENT (a domain without version), ERR_LIMIT (2 GiB).
 */
export function encodeModel(
  graph: GraphProto,
  { opset = DEFAULT_OPSET, domains = {} }: EncodeOptions = {},
): Uint8Array {
  const versions = new Map([['', opset], ...Object.entries(domains)]);
  for (const [domain, version] of versions) {
    if (!Number.isSafeInteger(version) || version < 1)
      throw expected('ERR_ARGUMENT', `a positive integer as version of domain ${describe(domain)}`, version);
  }
  const unknown = graph.node.find(({ domain }) => !versions.has(domain));
  if (unknown !== undefined)
    throw expected('ERR_ARGUMENT', `a version for the domain of ${describe(unknown.opType)}`, unknown.domain);
  const tensorBytes = graph.initializer.reduce((sum, { rawData }) => sum + rawData.byteLength, 0);
  if (tensorBytes > MAX_ONNX_BYTES)
    throw expected('ERR_LIMIT', `at most ${MAX_ONNX_BYTES} bytes of tensors in one file`, tensorBytes);
  const bytes = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: 'requant',
      producerVersion: packageVersion(),
      opsetImport: [...versions].map(([domain, version]) => ({ domain, version: BigInt(version) })),
      graph,
    }),
  );
  if (bytes.byteLength > MAX_ONNX_BYTES)
    throw expected('ERR_LIMIT', `a file of at most ${MAX_ONNX_BYTES} bytes`, bytes.byteLength);
  return bytes;
}
