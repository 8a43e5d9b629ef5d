import { describe, expect, it } from 'vitest';
import {
  linear,
  MLP,
  QuantizedMLP,
  type QuantizeOptions,
  quantize,
  type RuntimeOptions,
  relu,
} from '../../../lib/index';
import type { Tensor } from '../../../lib/tensor';
import { expectSameBytes } from '../../support/bytes';
import { expectError, expectRejection } from '../../support/errors';
import { get, putTogether, set, takeApart } from '../../support/files';
import { fma32 } from '../../support/fma';
import { randomChain, randomLinear, sqnr } from '../../support/models';
import { Seeded } from '../../support/random';
import { rne } from '../../support/rounding';

/** int4 weights: saved models evaluated in plain JavaScript from docs/numerics.md and docs/model-format.md alone. */

const f = Math.fround;

interface Node {
  readonly mode: 'dynamic' | 'weight-only';
  readonly weight: { tensor: string; format: string; scale: string; groupSize: number };
  readonly bias?: string;
}

class Int4Layer {
  private readonly shape: readonly number[];
  constructor(
    private readonly node: Node,
    private readonly tensors: ReadonlyMap<string, Tensor>,
    private readonly inFeatures: number,
  ) {
    this.shape = tensors.get(node.weight.tensor)!.shape;
    expect(node.weight.format).toBe('int4');
    expect(this.shape[1]).toBe(Math.ceil(inFeatures / 2));
  }

  private code(n: number, k: number): number {
    const byte = this.tensors.get(this.node.weight.tensor)!.data[n * this.shape[1]! + (k >> 1)]!;
    const nibble = k % 2 === 0 ? byte % 16 : byte >> 4;
    return nibble < 8 ? nibble : nibble - 16;
  }

  /** y = fl(a + b) or fl(fl(a·sx) + b), a = fma(t_g, s[n, g], a) over the groups. */
  run(x: readonly number[]): number[] {
    const { groupSize, scale } = this.node.weight;
    const scales = this.tensors.get(scale)!;
    expect(scales.shape).toEqual([this.shape[0], Math.ceil(this.inFeatures / groupSize)]);
    const bias = this.node.bias === undefined ? undefined : this.tensors.get(this.node.bias)!.data;
    const dynamic = this.node.mode === 'dynamic' ? quantizeRow(x) : undefined;
    return Array.from({ length: this.shape[0]! }, (_, n) => {
      let a = 0;
      for (let first = 0; first < this.inFeatures; first += groupSize) {
        let t = 0;
        for (let k = first; k < Math.min(first + groupSize, this.inFeatures); k++) {
          t = dynamic ? t + dynamic.codes[k]! * this.code(n, k) : fma32(x[k]!, this.code(n, k), t);
        }
        a = fma32(t, scales.data[n * scales.shape[1]! + first / groupSize]!, a);
      }
      if (dynamic) a = f(a * dynamic.scale);
      return bias ? f(a + bias[n]!) : a;
    });
  }
}

/** Codes less their zero point. */
function quantizeRow(row: readonly number[]): { codes: number[]; scale: number } {
  const [min, max] = [Math.min(0, ...row), Math.max(0, ...row)];
  const scale = f(f(max - min) / 255);
  const z = rne(Math.min(Math.max(f(0 - f(min / scale)), 0), 255));
  return { codes: row.map((v) => rne(Math.min(Math.max(f(v / scale), -z), 255 - z))), scale };
}

function reference(bytes: Uint8Array, rows: Float32Array, inFeatures: number): number[] {
  const { document, tensors } = takeApart(bytes);
  const [node] = get(document, 'nodes') as [Node];
  const layer = new Int4Layer(node, tensors, inFeatures);
  return Array.from({ length: rows.length / inFeatures }, (_, i) =>
    layer.run([...rows.subarray(i * inFeatures, (i + 1) * inFeatures)]),
  ).flat();
}

const MODES = ['dynamic', 'weight-only'] as const;

describe('to the bit', () => {
  it.each(MODES)('%s', (mode) => {
    const random = new Seeded(191);
    for (const groupSize of [32, 64, 128] as const) {
      for (const [inFeatures, outFeatures] of [
        [1, 1],
        [37, 19],
        [128, 33],
        [200, 70],
      ] as const) {
        const model = new MLP([randomLinear(random, inFeatures, outFeatures)]);
        using int4 = quantize(model, null, { mode, format: 'int4', groupSize });
        const rows = random.normals(inFeatures * 7);
        const expected = reference(int4.toBytes(), rows, inFeatures);
        expect([...int4.runSync(rows)]).toEqual(expected);
        if (inFeatures > 1) expect(sqnr(model.runSync(rows), expected)).toBeGreaterThan(14);
      }
    }
  });

  it.each(MODES)('%s, no bias, scales of full length, rows without negative values', (mode) => {
    const random = new Seeded(192);
    const weight = random.normals(50 * 20);
    const scale = Float32Array.from({ length: 20 * 2 }, () => 0.3 + 0.1 * Math.abs(random.normals(1)[0]!));
    const model = new MLP([linear({ name: 'fc', inFeatures: 50, outFeatures: 20, weight, bias: false })]);
    const layers = { fc: { scale } };
    using int4 = quantize(model, null, { mode, format: 'int4', groupSize: 32, layers });
    const rows = random.normals(50 * 9).map(Math.abs);
    expect([...int4.runSync(rows)]).toEqual(reference(int4.toBytes(), rows, 50));
  });
});

describe('a model of several layers', () => {
  const random = new Seeded(193);
  const model = new MLP(randomChain(random, [100, 300, 130, 10], relu));
  const rows = random.normals(100 * 300);
  const made = (options: QuantizeOptions = {}) =>
    quantize(model, null, { mode: 'dynamic', format: 'int4', ...options });

  it.each(MODES)('%s: saved and loaded, the same bytes and results', async (mode) => {
    using int4 = made({ mode, groupSize: 64 });
    using loaded = await QuantizedMLP.load(int4.toBytes());
    expectSameBytes(loaded.toBytes(), int4.toBytes());
    expectSameBytes(loaded.runSync(rows), int4.runSync(rows));
    expectSameBytes(await loaded.run(rows), int4.runSync(rows));
  });

  it.each(MODES)('%s: any split of the batch and any number of threads give the same bits', (mode) => {
    using int4 = made({ mode });
    const whole = int4.runSync(rows);
    for (const threads of [1, 2, 5]) {
      using other = made({ mode, threads } satisfies QuantizeOptions & RuntimeOptions);
      expectSameBytes(other.runSync(rows), whole);
      for (const [from, to] of [
        [0, 1],
        [1, 8],
        [8, 100],
        [100, 300],
      ] as const) {
        expectSameBytes(other.runSync(rows.subarray(from * 100, to * 100)), whole.slice(from * 10, to * 10));
      }
    }
  });

  it('keeps the classes of most rows, though random weights tell them apart badly', () => {
    const classes = (y: Float32Array) =>
      Array.from({ length: 300 }, (_, i) => {
        const row = y.subarray(10 * i, 10 * i + 10);
        return row.indexOf(Math.max(...row));
      });
    const expected = classes(model.runSync(rows));
    using int4 = made();
    const same = classes(int4.runSync(rows)).filter((c, i) => c === expected[i]).length;
    expect(same).toBeGreaterThan(0.75 * 300);
  });

  it('tells its formats and bytes, half of int8 and a scale a group', () => {
    using int4 = made({ layers: { fc3: { format: 'int8' }, fc2: { groupSize: 128 } } });
    const linears = int4.stages.filter(({ op }) => op === 'linear');
    expect(linears.map(({ format, bytes }) => [format, bytes])).toEqual([
      ['int4', 300 * 50 + 4 * 300 * 2 + 4 * 300],
      ['int4', 130 * 150 + 4 * 130 * 3 + 4 * 130],
      ['int8', 10 * 130 + 4 * 10 + 4 * 10],
    ]);
  });

  it('a layer may wish for it', () => {
    const wishing = new MLP([
      { ...randomLinear(random, 40, 8), quantization: { format: 'int4', groupSize: 64 } },
    ]);
    using int4 = quantize(wishing, null, { mode: 'dynamic' });
    expect(int4.stages[0]!.format).toBe('int4');
    expectError(() => quantize(wishing, null), 'ERR_UNSUPPORTED', /'dynamic' or 'weight-only'.*'static'/);
  });

  it('NaN is found, or taken as 0', () => {
    const x = rows.slice(0, 300);
    x[205] = Number.NaN;
    using int4 = made();
    expectError(() => int4.runSync(x), 'ERR_NAN_INPUT', /row 2, column 5/);
    using zero = made({ onNaN: 'zero' });
    expect(zero.runSync(x).some(Number.isNaN)).toBe(false);
    using weightOnly = made({ mode: 'weight-only' });
    expect(weightOnly.runSync(x).subarray(20).every(Number.isNaN)).toBe(true);
  });
});

describe('a file', () => {
  const bytes = quantize(new MLP([randomLinear(new Seeded(194), 45, 6, 'fc')]), null, {
    mode: 'dynamic',
    format: 'int4',
    groupSize: 32,
  }).toBytes();
  const patch = (
    file: ReturnType<typeof takeApart>,
    key: 'tensor' | 'scale',
    index: number,
    value: number,
  ) => {
    const name = get(file.document, `nodes/0/weight/${key}`) as string;
    file.tensors.get(name)!.data[index] = value;
  };

  it.each<readonly [string, (file: ReturnType<typeof takeApart>) => void]>([
    ['without groups', ({ document }) => set(document, 'nodes/0/weight/groupSize', undefined)],
    ['groups of 48', ({ document }) => set(document, 'nodes/0/weight/groupSize', 48)],
    ['another number of groups', ({ document }) => set(document, 'nodes/0/weight/groupSize', 64)],
    ['groups of text', ({ document }) => set(document, 'nodes/0/weight/groupSize', '32')],
    ['int8 instead', ({ document }) => set(document, 'nodes/0/weight/format', 'int8')],
    ['no scale', ({ document }) => set(document, 'nodes/0/weight/scale', undefined)],
    ['a zero point', ({ document }) => set(document, 'nodes/0/weight/zeroPoint', 'fc.bias')],
    ['static', ({ document }) => set(document, 'nodes/0/mode', 'static')],
    ['float', ({ document }) => set(document, 'nodes/0/mode', 'float')],
    ['a low nibble of −8', (file) => patch(file, 'tensor', 3, 0x08)],
    ['a high nibble of −8', (file) => patch(file, 'tensor', 0, 0x81)],
    ['a nibble behind an odd row', (file) => patch(file, 'tensor', 22, 0x10)],
    ['scale 0', (file) => patch(file, 'scale', 1, 0)],
    ['scale NaN', (file) => patch(file, 'scale', 1, Number.NaN)],
  ])('%s: ERR_FORMAT', async (_, edit) => {
    const file = takeApart(bytes);
    edit(file);
    await expectRejection(QuantizedMLP.load(putTogether(file)), 'ERR_FORMAT');
  });
});
