import { crypto } from '../builtins';
import { expected } from '../errors';
import { encodeModel } from '../models/encode';
import type { Graph } from '../models/graph';
import type { Turn } from '../turn';
import type { CheckedDataset } from './dataset';

/** What decides the bits of a run, by name; hashes stand for long things. */
export type Fingerprint = Readonly<Record<string, string | number | boolean>>;

/** Large data is hashed in pieces, so that the event loop turns. */
const PIECE_BYTES = 2 ** 22;

/** sha256 over types and bytes of inputs and targets. */
export async function dataHash({ inputs, targets }: CheckedDataset, turn: Turn): Promise<string> {
  const hash = crypto().createHash('sha256');
  for (const array of [inputs, targets]) {
    hash.update(`${array.constructor.name} ${array.length} `);
    for (let at = 0; at < array.byteLength; at += PIECE_BYTES) {
      await turn.yieldWhenDue();
      const length = Math.min(PIECE_BYTES, array.byteLength - at);
      hash.update(new Uint8Array(array.buffer, array.byteOffset + at, length));
    }
  }
  return hash.digest('hex');
}

/** sha256 of the model's file, without its record. */
export function graphHash(graph: Graph): string {
  return crypto()
    .createHash('sha256')
    .update(encodeModel({ ...graph, record: [] }, {}))
    .digest('hex');
}

/** @throws {RequantError} ERR_ARGUMENT naming the first thing that differs */
export function checkSame(run: Fingerprint, saved: Fingerprint, where: string): void {
  for (const name of new Set([...Object.keys(saved), ...Object.keys(run)])) {
    if (run[name] === saved[name]) continue;
    throw expected(
      'ERR_ARGUMENT',
      `${name} ${saved[name] ?? 'unset'}, as in ${where},`,
      run[name] ?? 'unset',
    );
  }
}
