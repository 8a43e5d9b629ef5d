import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expected } from '../../errors';
import { version as packageVersion } from '../../version';
import { type GraphProto, ModelProtoSchema } from './onnx_pb';

/** A protobuf message cannot be larger; larger models keep their tensors in other files. */
export const MAX_ONNX_BYTES = 2 ** 31 - 1;

export const DEFAULT_OPSET = 17;

/** [opset, version of the file format that came with it] (docs/Versioning.md of ONNX), newest first. */
const IR_VERSIONS = [
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
] as const;
/** The first one in which constants need not be inputs as well. */
const LEAST_IR_VERSION = 4;

/** What a reader of that opset knows, so that it does not refuse the file for its format. */
function irVersion(opset: number): bigint {
  return BigInt(IR_VERSIONS.find(([since]) => opset >= since)?.[1] ?? LEAST_IR_VERSION);
}

export interface EncodeOptions {
  /** Version of ONNX's own operators. */
  readonly opset?: number;
  /** Versions of the other domains that the nodes name. */
  readonly domains?: Readonly<Record<string, number>>;
  /** metadata_props: texts that belong to the model. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The bytes of a .onnx file.
 *
 * Errors: ERR_ARGUMENT (a domain without version), ERR_LIMIT (2 GiB).
 */
export function encodeModel(
  graph: GraphProto,
  { opset = DEFAULT_OPSET, domains = {}, metadata = {} }: EncodeOptions = {},
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
      irVersion: irVersion(opset),
      producerName: 'requant',
      producerVersion: packageVersion(),
      opsetImport: [...versions].map(([domain, version]) => ({ domain, version: BigInt(version) })),
      graph,
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    }),
  );
  if (bytes.byteLength > MAX_ONNX_BYTES)
    throw expected('ERR_LIMIT', `a file of at most ${MAX_ONNX_BYTES} bytes`, bytes.byteLength);
  return bytes;
}
