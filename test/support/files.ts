import { writeSafetensors } from '../../lib/formats/safetensors';
import { float8Tensor, type Tensor, tensor } from '../../lib/tensor';

/** Model files taken apart and put together again, by the letter of docs/model-format.md. */

export interface ModelFile {
  document: object;
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const ARRAYS = { F32: Float32Array, I32: Int32Array, I8: Int8Array, U8: Uint8Array };
const FLOAT8 = { F8_E4M3: 'e4m3fn', F8_E5M2: 'e5m2' } as const;

function tensorOf(dtype: string, bytes: Uint8Array<ArrayBuffer>, shape: number[]): Tensor {
  if (dtype in FLOAT8) return float8Tensor(FLOAT8[dtype as keyof typeof FLOAT8], bytes, shape);
  return tensor(new ARRAYS[dtype as keyof typeof ARRAYS](bytes.buffer), shape);
}

export function takeApart(bytes: Uint8Array): ModelFile {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    unknown
  >;
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets } = value as Entry;
    const [begin, end] = data_offsets;
    tensors.set(
      name,
      tensorOf(dtype, new Uint8Array(bytes.slice(8 + length + begin, 8 + length + end)), shape),
    );
  }
  const { requant, format: _, ...metadata } = header['__metadata__'] as Record<string, string>;
  return { document: JSON.parse(requant!) as object, tensors, metadata };
}

export function putTogether({ document, tensors, metadata }: ModelFile): Uint8Array {
  return withJson(JSON.stringify(document), tensors, metadata);
}

export function withJson(
  json: string,
  tensors: ReadonlyMap<string, Tensor> = new Map(),
  metadata: Record<string, string> = {},
): Uint8Array {
  return writeSafetensors(tensors, { ...metadata, format: 'requant', requant: json });
}

/** The value at a path as 'nodes/0/op'. */
export function get(document: object, path: string): unknown {
  return path.split('/').reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], document);
}

/** Replaces what stands at a path, or deletes it. */
export function set(document: object, path: string, value: unknown): void {
  const [, parentPath, key] = /^(?:(.*)\/)?([^/]*)$/.exec(path)!;
  const parent = (parentPath === undefined ? document : get(document, parentPath)) as Record<string, unknown>;
  if (value === undefined) delete parent[key!];
  else parent[key!] = value;
}
