import { describe, expect, it } from 'vitest';
import { type RuntimeOptions, runtimeSettings } from '../../lib/models/runtime-options';
import { expectError } from '../support/errors';

describe('runtimeSettings', () => {
  it('completes', () => {
    const defaults = { threads: undefined, nanIsZero: false, maxQueue: 1024 };
    expect(runtimeSettings(undefined)).toEqual(defaults);
    expect(runtimeSettings({})).toEqual(defaults);
    expect(runtimeSettings({ threads: 3, onNaN: 'zero', maxQueue: 1 })).toEqual({
      threads: 3,
      nanIsZero: true,
      maxQueue: 1,
    });
  });

  it('knows keys of its caller', () => {
    const options = { seed: 1 } as RuntimeOptions;
    expectError(() => runtimeSettings(options), 'ERR_ARGUMENT', /seed/);
    expect(runtimeSettings(options, ['seed'])).toMatchObject({ maxQueue: 1024 });
  });

  it.each([
    { threads: 0 },
    { threads: 1025 },
    { threads: 1.5 },
    { onNaN: 'ignore' },
    { onNaN: null },
    { maxQueue: 0 },
    { maxQueue: Infinity },
    { maxQueue: 2 ** 31 },
  ])('refuses %o', (options) => {
    expectError(() => runtimeSettings(options as RuntimeOptions), 'ERR_ARGUMENT', /threads|onNaN|maxQueue/);
  });
});
