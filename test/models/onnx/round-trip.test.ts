import { describe, expect, it } from 'vitest';
import { concat, linear, logSoftmax, MLP, residual, softmax } from '../../../lib/index';
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
      // The import names a decomposed gelu after one of its parts.
      if (name !== 'gelu' || opset >= 20) expect(back.valueNames).toEqual(model.valueNames);
      expect(back.metadata).toEqual({ owner: 'me' });
      // Attributes in float64, metadata and record: the same file, where names are.
      if (isWhole) expect(back.toBytes()).toEqual(model.toBytes());
    });
  },
);

describe('what ONNX cannot say', () => {
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
