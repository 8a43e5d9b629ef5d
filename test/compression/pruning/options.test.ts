import { describe, expect, it } from 'vitest';
import { type PruneOptions, pruneSettings } from '../../../lib/compression/pruning/options';
import type { ErrorCode } from '../../../lib/errors';
import { linear, MLP } from '../../../lib/index';
import { expectError } from '../../support/errors';

const model = new MLP([linear({ inFeatures: 2, outFeatures: 3, name: 'a' })]);
const inputs = new Float32Array(8);
const data = { inputs, targets: Uint8Array.of(0, 1, 2, 0) };

describe('pruneSettings', () => {
  it('defaults', () => {
    expect(pruneSettings(model, { inputs }, { sparsity: 0.5 })).toMatchObject({
      saliency: 'obs',
      curvature: 'reconstruction',
      unit: 'weight',
      scope: 'layer',
      steps: 1,
      schedule: 'cubic',
      layers: new Set(['a']),
      rows: 4096,
      damping: 1e-3,
      seed: 0,
    });
    expect(pruneSettings(model, data, { maxDrop: 0.2, validation: data })).toMatchObject({
      sparsity: 0.98,
      steps: 40,
      schedule: 'linear',
    });
  });

  it('magnitude alone needs no data', () => {
    expect(pruneSettings(model, null, { saliency: 'magnitude', sparsity: 0.5 }).data).toBeUndefined();
  });

  it.each<[ErrorCode, RegExp, object | null, PruneOptions & Record<string, unknown>]>([
    ['ERR_ARGUMENT', /sparsity in/, data, {}],
    ['ERR_ARGUMENT', /sparsity in/, data, { sparsity: 1 }],
    ['ERR_ARGUMENT', /sparsity in/, data, { sparsity: Number.NaN }],
    ['ERR_ARGUMENT', /saliency/, data, { sparsity: 0.5, saliency: 'best' as never }],
    ['ERR_ARGUMENT', /unit/, data, { sparsity: 0.5, unit: 'row' as never }],
    ['ERR_ARGUMENT', /scope/, data, { sparsity: 0.5, scope: 'all' as never }],
    ['ERR_ARGUMENT', /schedule/, data, { sparsity: 0.5, schedule: 'steep' as never }],
    ['ERR_ARGUMENT', /steps/, data, { sparsity: 0.5, steps: 0 }],
    ['ERR_ARGUMENT', /rows/, data, { sparsity: 0.5, rows: 0.5 }],
    ['ERR_ARGUMENT', /damping/, data, { sparsity: 0.5, damping: -1 }],
    ['ERR_ARGUMENT', /curvature only/, data, { sparsity: 0.5, curvature: 'fisher' }],
    ['ERR_ARGUMENT', /maxDrop and validation/, data, { maxDrop: 1 }],
    ['ERR_ARGUMENT', /maxDrop and validation/, data, { sparsity: 0.5, validation: data }],
    ['ERR_ARGUMENT', /maxDrop in/, data, { maxDrop: -1, validation: data }],
    ['ERR_ARGUMENT', /layers among a/, data, { sparsity: 0.5, layers: ['b'] }],
    ['ERR_ARGUMENT', /layers to be/, data, { sparsity: 0.5, layers: 'a' as never }],
    ['ERR_ARGUMENT', /fineTune/, data, { sparsity: 0.5, fineTune: { epochs: 1, seed: 1 } as never }],
    ['ERR_ARGUMENT', /targets/, { inputs }, { sparsity: 0.5, fineTune: { epochs: 1 } }],
    ['ERR_ARGUMENT', /targets/, { inputs }, { sparsity: 0.5, saliency: 'taylor' }],
    ['ERR_ARGUMENT', /targets/, { inputs }, { sparsity: 0.5, saliency: 'obd', curvature: 'fisher' }],
    ['ERR_ARGUMENT', /data, which/, null, { sparsity: 0.5 }],
    ['ERR_ARGUMENT', /keys/, data, { sparsity: 0.5, speed: 1 }],
    ['ERR_SHAPE', /rows of 2/, { inputs: new Float32Array(3) }, { sparsity: 0.5 }],
    ['ERR_DTYPE', /inputs/, { inputs: [1, 2] }, { sparsity: 0.5 }],
    ['ERR_DTYPE', /classes/, data, { maxDrop: 1, validation: { inputs, targets: new Float32Array(12) } }],
  ])('%s %s', (code, message, given, options) => {
    expectError(() => pruneSettings(model, given as never, options), code, message);
  });
});
