import { beforeAll, describe, expect, it } from 'vitest';
import {
  calibrate,
  concat,
  load,
  MLP,
  quantize,
  RequantError,
  relu,
  residual,
  sigmoid,
} from '../../lib/index';
import { takeApart, withJson } from '../support/files';
import { randomLayerNorm, randomLinear } from '../support/models';
import { Seeded } from '../support/random';

/** Damaged files: whatever is changed, `load` gives a model that runs or a RequantError. */

const random = new Seeded(151);
const float = new MLP([
  randomLinear(random, 3, 4, 'a'),
  sigmoid(),
  residual([randomLinear(random, 4, 4, 'b'), relu()]),
  concat([[], [randomLinear(random, 4, 2, 'c')]]),
  randomLayerNorm(random, 6),
  randomLinear(random, 6, 2, 'd'),
]);
const files: Uint8Array[] = [float.toBytes()];

beforeAll(async () => {
  const ranges = await calibrate(float, random.normals(3 * 60), { method: 'minmax' });
  files.push(
    quantize(float, ranges, { output: 'uint8', rounding: 'gemmlowp' }).toBytes(),
    quantize(float, ranges, {
      inputs: 'per-feature',
      layers: { b: { mode: 'dynamic' }, d: { mode: 'weight-only' } },
    }).toBytes(),
    quantize(float, ranges, {
      format: 'e4m3fn',
      layers: { b: { format: { mantissa: 2, exponent: 4 } }, d: { format: 'e5m2', mode: 'weight-only' } },
    }).toBytes(),
  );
});

/** 'model', or the code of the error. Anything else is thrown. */
async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    using model = await load(bytes);
    if (model.inFeatures <= 64) model.runSync(new Float32Array(2 * model.inFeatures));
    return 'model';
  } catch (error) {
    if (error instanceof RequantError) return error.code;
    throw error;
  }
}

async function tally(count: number, mutant: (i: number) => Uint8Array): Promise<Map<string, number>> {
  const codes = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const bytes = mutant(i);
    const code = await outcome(bytes).catch((error: unknown) => {
      throw new Error(`mutant ${i}: ${Buffer.from(bytes).toString('base64')}`, { cause: error });
    });
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  return codes;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|[{}[\],:]/g;
const FOREIGN = [
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1',
  '2',
  '255',
  '256',
  '1.5',
  '1e308',
  '1e999',
  '16777216',
  '9007199254740993',
  '""',
  '"__proto__"',
  '"constructor"',
  '"input"',
  '"add"',
  '"concat"',
  '"quantize"',
  '"dequantize"',
  '"softmax"',
  '"layerNorm"',
  '"linear"',
  '"dynamic"',
  '"static"',
  '"weight-only"',
  '"float"',
  '"int8"',
  '"uint8"',
  '"float32"',
  '"fp8"',
  '"e4m3fn"',
  '"e5m2"',
  '"\\ud800"',
  '[]',
  '{}',
  '[[]]',
  '{"a":1}',
  '',
  ',',
  '}',
];

function mutatedTokens(json: string): string {
  const tokens = json.match(TOKEN)!;
  for (let edits = random.integer(1, 3); edits > 0; edits--) {
    const at = random.integer(0, tokens.length - 1);
    const other = random.integer(0, tokens.length - 1);
    const edit = random.integer(0, 4);
    if (edit === 0) tokens.splice(at, 1);
    else if (edit === 1) tokens[at] = random.pick(FOREIGN);
    else if (edit === 2) tokens.splice(at, 0, tokens[other]!);
    // Tokens of one kind change places: mostly JSON still, with another meaning.
    else {
      const same = tokens.flatMap((token, i) => (token[0] === tokens[at]![0] ? [i] : []));
      tokens[at] = tokens[random.pick(same)]!;
    }
  }
  return tokens.join('');
}

describe('20,000 and more mutants', () => {
  it('of the JSON’s tokens', async () => {
    const parts = files.map((bytes) => ({ ...takeApart(bytes) }));
    const codes = await tally(15_000, (i) => {
      const { document, tensors } = parts[i % parts.length]!;
      return withJson(mutatedTokens(JSON.stringify(document)), tensors);
    });
    expect(codes.get('model')).toBeGreaterThan(100);
    expect(codes.get('ERR_FORMAT')).toBeGreaterThan(5000);
    expect(codes.get('ERR_UNSUPPORTED') ?? 0).toBeLessThan(1000);
  });

  it('of the file’s bytes', async () => {
    const codes = await tally(6_000, (i) => {
      const bytes = files[i % files.length]!.slice();
      for (let edits = random.integer(1, 3); edits > 0; edits--) {
        const at = random.integer(0, bytes.length - 1);
        bytes[at] = random.pick([random.integer(0, 255), bytes[at]! ^ (1 << random.integer(0, 7)), 0, 0xff]);
      }
      return random.uniform() < 0.05 ? bytes.slice(0, random.integer(0, bytes.length)) : bytes;
    });
    expect(codes.get('model')).toBeGreaterThan(100);
    expect(codes.get('ERR_FORMAT')).toBeGreaterThan(1000);
  });
});
