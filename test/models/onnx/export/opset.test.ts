import { describe, expect, it } from 'vitest';
import { gelu, linear, MLP, quantize } from '../../../../lib/index';
import { chooseOpset } from '../../../../lib/models/onnx/export/opset';
import { expectError } from '../../../support/errors';

const one = linear({ inFeatures: 4, outFeatures: 4, name: 'one' });
const float = new MLP([one]);

describe('chooseOpset', () => {
  it('17 unless told otherwise, 21 for int4', () => {
    expect(chooseOpset(float.graph, undefined)).toBe(17);
    expect(chooseOpset(float.graph, 7)).toBe(7);
    using int4 = quantize(float, null, { mode: 'weight-only', format: 'int4' });
    expect(chooseOpset(int4.graph, undefined)).toBe(21);
  });

  it('says the least opset and what asks for it', () => {
    using int8 = quantize(float, null, { mode: 'dynamic' });
    using int4 = quantize(float, null, { mode: 'weight-only', format: 'int4' });
    const erf = new MLP([one, { ...gelu(), name: 'act' }]);
    expectError(() => chooseOpset(int8.graph, 12), 'ERR_UNSUPPORTED', /opset 13 .*received 12/);
    expectError(() => chooseOpset(int4.graph, 20), 'ERR_UNSUPPORTED', /opset 21 .*int4 weights \('one'\)/);
    expectError(() => chooseOpset(erf.graph, 8), 'ERR_UNSUPPORTED', /opset 9 .*gelu \('act'\)/);
    expect(chooseOpset(new MLP([one, gelu('tanh')]).graph, 7)).toBe(7);
  });

  it.each([6, 24, 17.5, Number.NaN, '17'])('refuses %s', (opset) => {
    expectError(() => chooseOpset(float.graph, opset as number), 'ERR_ARGUMENT', /7…23/);
  });
});
