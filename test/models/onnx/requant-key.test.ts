import { describe, expect, it } from 'vitest';
import { calibrate, clip, elu, leakyRelu, linear, MLP, quantize } from '../../../lib/index';
import { decodeRequantKey, encodeRequantKey } from '../../../lib/models/onnx/requant-key';
import { expectError } from '../../support/errors';

const one = linear({ inFeatures: 2, outFeatures: 2, name: 'one' });

describe('the metadata key', () => {
  it('of a plain float model says its kind alone', () => {
    expect(encodeRequantKey(new MLP([one, leakyRelu(0.25)]).graph)).toBe('{"version":1,"kind":"float"}');
  });

  it('keeps roundings, modes, conversions and what made the model', async () => {
    const float = new MLP([one, linear({ inFeatures: 2, outFeatures: 2, name: 'two' })]);
    const ranges = await calibrate(float, Float32Array.of(1, 2), { method: 'minmax' });
    using model = quantize(float, ranges, {
      rounding: 'half-even',
      output: 'uint8',
      layers: { two: { mode: 'weight-only' } },
    });
    const graph = {
      ...model.graph,
      nodes: model.graph.nodes.map((node) =>
        node.name === 'one' ? { ...node, rounding: 'gemmlowp' as const } : node,
      ),
    } as typeof model.graph;
    expect(decodeRequantKey(encodeRequantKey(graph))).toEqual({
      kind: 'quantized',
      rounding: 'half-even',
      nodes: new Map<string, object>([
        ['one', { rounding: 'gemmlowp' }],
        ['two', { mode: 'weight-only' }],
        ['two.codes', { op: 'quantize' }],
      ]),
      record: graph.record,
    });
    expect(graph.record.map(({ step }) => step)).toEqual(['calibrate', 'quantize']);
  });

  it('keeps numbers that float32 does not hold', () => {
    const layers = [one, leakyRelu(0.1), elu(0.5), clip(-0.1, Number.POSITIVE_INFINITY)];
    const { nodes } = decodeRequantKey(encodeRequantKey(new MLP(layers).graph));
    expect([...nodes]).toEqual([
      ['1', { attributes: { slope: 0.1 } }],
      ['3', { attributes: { min: -0.1 } }],
    ]);
  });

  it('keeps what a layer wishes for, its scales bit by bit', () => {
    const scale = Float32Array.of(0.1, 3e-9);
    const wish = (quantization: object) => new MLP([{ ...one, quantization }]).graph;
    expect(decodeRequantKey(encodeRequantKey(wish({ scale }))).nodes.get('one')).toEqual({ scale });
    const whole = { format: 'int8', mode: 'dynamic', bits: 4 };
    expect(decodeRequantKey(encodeRequantKey(wish({ ...whole, scale }))).nodes.get('one')).toEqual({
      scale,
      quantization: whole,
    });
  });

  it('keeps the bits of weights', () => {
    using narrow = quantize(new MLP([one]), null, { mode: 'dynamic', bits: 3 });
    expect(decodeRequantKey(encodeRequantKey(narrow.graph)).nodes.get('one')).toEqual({
      mode: 'dynamic',
      bits: 3,
    });
  });

  it.each([
    ['ERR_FORMAT', '{'],
    ['ERR_FORMAT', '[]'],
    ['ERR_FORMAT', '{"kind":"float"}'],
    ['ERR_VERSION', '{"version":2,"kind":"float"}'],
    ['ERR_FORMAT', '{"version":1}'],
    ['ERR_FORMAT', '{"version":1,"kind":"int8"}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","more":1}'],
    ['ERR_FORMAT', '{"version":1,"kind":"quantized","rounding":"up"}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","nodes":[]}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","nodes":{"a":{"op":"linear"}}}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","nodes":{"a":{"mode":"fast"}}}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","nodes":{"a":{"attributes":{"slope":"x"}}}}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","nodes":{"a":{"scale":"AAA"}}}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","nodes":{"a":{"scale":"AAAA"}}}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","nodes":{"a":{"bits":8}}}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","nodes":{"a":{"quantization":{"more":1}}}}'],
    ['ERR_FORMAT', '{"version":1,"kind":"float","record":[{}]}'],
    ['ERR_LIMIT', `{"version":1,"kind":"${'x'.repeat(2 ** 20)}"}`],
  ] as const)('%s for %.60s', (code, text) => {
    expectError(() => decodeRequantKey(text), code);
  });
});
