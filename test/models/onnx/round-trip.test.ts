import { describe, expect, it } from 'vitest';
import { concat, layerNorm, linear, logSoftmax, MLP, residual, softmax } from '../../../lib/index';
import { exportOnnx, importOnnx } from '../../../lib/onnx';
import { expectSameBytes } from '../../support/bytes';
import { expectRejection } from '../../support/errors';
import { ACTIVATIONS, randomLinear } from '../../support/models';
import { Seeded } from '../../support/random';

describe.each(Object.entries({ ...ACTIVATIONS, softmax, logSoftmax }))(
  '%s, exported and imported',
  (name, make) => {
    const opsets = [7, 9, 11, 13, 14, 17, 20, 23].filter((opset) => name !== 'gelu' || opset >= 9);

    it.each(opsets)('opset %i: the same bits, names and metadata', async (opset) => {
      const random = new Seeded(opset);
      const layers = [
        randomLinear(random, 20, 16, 'first'),
        make(),
        randomLinear(random, 16, 9),
        residual([randomLinear(random, 9, 9)]),
        concat([[], [randomLinear(random, 9, 2)]]),
      ];
      const model = MLP.fromGraph(new MLP(layers).graph, { owner: 'me' });
      const back = (await importOnnx(exportOnnx(model, { opset }))) as MLP;
      const rows = random.normals(20 * 33);
      expectSameBytes(back.runSync(rows), model.runSync(rows));
      // The import names parts of a decomposed gelu after its own.
      const isWhole = !name.startsWith('gelu') || opset >= 20;
      if (isWhole) expect(back.valueNames).toEqual(model.valueNames);
      expect(back.metadata).toEqual({ owner: 'me' });
      // Attributes in float64, metadata and record: the same file, where names are.
      if (isWhole) expect(back.toBytes()).toEqual(model.toBytes());
    });
  },
);

describe('what ONNX cannot say', () => {
  it.each([7, 11, 17, 23])('the epsilon of a layer norm in float64, opset %i', async (opset) => {
    const random = new Seeded(3);
    const model = new MLP([
      randomLinear(random, 5, 8),
      layerNorm({ features: 8, weight: random.normals(8), bias: random.normals(8) }),
      randomLinear(random, 8, 8),
      layerNorm({ features: 8, epsilon: 0.1 }),
    ]);
    const back = (await importOnnx(exportOnnx(model, { opset }))) as MLP;
    const rows = random.normals(5 * 33);
    expectSameBytes(back.runSync(rows), model.runSync(rows));
    if (opset < 17) return; // in parts, which have names of their own
    const epsilons = back.graph.nodes.flatMap((node) => (node.op === 'layerNorm' ? [node.epsilon] : []));
    expect(epsilons).toEqual([1e-5, 0.1]);
  });

  it('weight scales that a layer keeps', async () => {
    const layer = linear({ inFeatures: 3, outFeatures: 2, weight: new Float32Array(6).fill(0.5) });
    const model = new MLP([{ ...layer, quantization: { scale: Float32Array.of(0.1, 0.3) } }]);
    const back = (await importOnnx(exportOnnx(model))) as MLP;
    expect(back.toBytes()).toEqual(model.toBytes());
    const changed = Buffer.from(exportOnnx(model));
    const at = changed.indexOf('"scale":"');
    changed.write('"scale":""   ', at);
    await expectRejection(importOnnx(changed), 'ERR_FORMAT');
  });
});
