import { beforeAll, describe, expect, it } from 'vitest';
import { adviceOn, dropOf } from '../../lib/report/advice';
import type { ReportAdvice, ReportData, ReportLayer, ReportMethod } from '../../lib/report/types';
import { chain, quickReport } from './support';

type Changes = { -readonly [K in keyof ReportData]?: ReportData[K] };

let base: ReportData;

beforeAll(async () => {
  const { data } = await quickReport(chain(), { withLabels: true, withMethods: true });
  // Nothing to remark on: each test changes one thing.
  const [float, int8, fp8] = data.summary;
  base = {
    ...data,
    summary: [float!, { ...int8!, accuracy: 100, sqnrDb: 45 }, { ...fp8!, sqnrDb: 40 }],
    layers: data.layers.map((layer) => ({ ...layer, activationSpread: 2 })),
    sensitivity: data.layers.map(({ name }) => ({ name, sqnrDb: 50 })),
    methods: data.methods.slice(0, 2).map((method) => ({ ...method, accuracy: 100, drop: 0, sqnrDb: 45 })),
  };
});

function advice(changes: (data: ReportData) => Changes = () => ({})): readonly ReportAdvice[] {
  return adviceOn({ ...base, ...changes(base) });
}

const texts = (list: readonly ReportAdvice[]): string => list.map(({ text }) => text).join('\n');

function withInt8(data: ReportData, int8: Partial<ReportData['summary'][number]>): Changes {
  const [float, own, ...rest] = data.summary;
  return { summary: [float!, { ...own!, ...int8 }, ...rest] };
}

function withFirstLayer(
  { layers }: ReportData,
  change: (layer: ReportLayer) => Partial<ReportLayer>,
): Changes {
  const [first, ...rest] = layers;
  return { layers: [{ ...first!, ...change(first!) }, ...rest] };
}

describe('advice', () => {
  it('a good model needs nothing', () => {
    expect(advice()).toEqual([{ level: 'good', text: 'int8 costs no accuracy: nothing needs to be done.' }]);
  });

  it('a small loss is small, more than ½ point is a loss', () => {
    expect(advice((data) => withInt8(data, { accuracy: 99.95 }))[0]).toMatchObject({ level: 'good' });
    const [first] = advice((data) => withInt8(data, { accuracy: 98 }));
    expect(first).toMatchObject({
      level: 'problem',
      text: expect.stringMatching(/2\.00 points of accuracy/),
    });
    expect(first!.text).toMatch(/quantization-aware/);
  });

  it('without labels the rows that keep their class count', () => {
    const rows = { ...base.rows, labels: false };
    const summary = base.summary.map((variant) => ({ ...variant, accuracy: null, agreement: 97 }));
    expect(dropOf(summary)).toBe(3);
    expect(advice(() => ({ rows, summary }))[0]).toMatchObject({
      level: 'problem',
      text: expect.stringMatching(/3\.00 % of the rows/),
    });
  });

  it('no int8 form', () => {
    const unavailable = { code: 'ERR_OVERFLOW', message: 'expected less' };
    expect(advice((data) => withInt8(data, { unavailable }))[0]).toMatchObject({ level: 'problem' });
  });

  it('FP8 where it is clearly better', () => {
    const fp8 = (sqnrDb: number): string =>
      texts(
        advice(({ summary: [float, int8, own] }) => {
          const { unavailable: _, ...available } = own!;
          return { summary: [float!, int8!, { ...available, sqnrDb }] };
        }),
      );
    expect(fp8(50)).toMatch(/FP8 keeps 5\.0 dB more/);
    expect(fp8(46)).not.toMatch(/FP8/);
  });

  it('mixed precision for one bad layer', () => {
    const sensitivity = [{ name: 'fc"2', sqnrDb: 12 }, ...base.sensitivity.slice(1)];
    const found = advice(() => ({ sensitivity })).find(({ text }) => /mixed precision/.test(text));
    expect(found).toMatchObject({ command: '--mixed-precision', text: expect.stringMatching(/fc"2/) });
    const even = base.sensitivity.map(({ name }) => ({ name, sqnrDb: 12 }));
    expect(texts(advice(() => ({ sensitivity: even })))).not.toMatch(/mixed/);
  });

  it('another method that keeps more', () => {
    const better: ReportMethod = { ...base.methods[1]!, name: 'int8 static, entropy', sqnrDb: 52 };
    expect(texts(advice(({ methods }) => ({ methods: [...methods, better] })))).toMatch(
      /entropy.*7\.0 dB more/,
    );
    const worse = { ...better, accuracy: 90, drop: 10 };
    expect(texts(advice(({ methods }) => ({ methods: [...methods, worse] })))).not.toMatch(/entropy/);
  });

  it('clipping, where it outweighs rounding', () => {
    const clipped = (saturated: number, clipping: number) =>
      texts(
        advice((data) =>
          withFirstLayer(data, ({ formats }) => {
            const int8 = formats.int8!;
            const activations = { ...int8.activations, saturated, clipping, rounding: 1 };
            return { formats: { int8: { ...int8, activations } } };
          }),
        ),
      );
    expect(clipped(3, 2)).toMatch(/Clipping outweighs rounding at the inputs of ‘fc1’ \(up to 3\.00 %/);
    expect(clipped(3, 0.5)).not.toMatch(/Clipping/);
    expect(clipped(0.1, 2)).not.toMatch(/Clipping/);
  });

  it('features that stand out', () => {
    const found = texts(advice((data) => withFirstLayer(data, () => ({ activationSpread: 40 }))));
    expect(found).toMatch(/‘fc1’ are up to 40\.0×.*SmoothQuant/);
  });

  it('one scale for weights of different size', () => {
    const spread = (weights: string) =>
      texts(
        advice((data) => ({
          ...withFirstLayer(data, () => ({ weightSpread: 100 })),
          calibration: { ...data.calibration, record: [{ step: 'quantize', weights }] },
        })),
      );
    expect(spread('per-tensor')).toMatch(/equalize/);
    expect(spread('per-channel')).not.toMatch(/equalize/);
  });

  it('int4 where it is nearly free', () => {
    const bytes = base.summary[1]!.bytes / 2;
    const int4 = (drop: number): string => {
      const method = { ...base.methods[1]!, name: 'int4 weight-only', bytes, drop, sqnrDb: 25 };
      return texts(advice(({ methods }) => ({ methods: [...methods, method] })));
    };
    expect(int4(0.2)).toMatch(/If size matters: ‘int4 weight-only’/);
    expect(int4(2)).not.toMatch(/size matters/);
  });

  it('few rows', () => {
    const calibration = { ...base.calibration, rows: 12 };
    expect(texts(advice(() => ({ calibration })))).toMatch(/12 rows only/);
  });

  it('losses first, and no name more than three', () => {
    const layers = Array.from({ length: 5 }, (_, i) => ({
      ...base.layers[0]!,
      name: `n${i}`,
      activationSpread: 99,
    }));
    const list = advice((data) => ({ layers, ...withInt8(data, { accuracy: 50 }) }));
    expect(list[0]!.level).toBe('problem');
    expect(texts(list)).toMatch(/‘n0’, ‘n1’, ‘n2’ and 2 more/);
  });
});
