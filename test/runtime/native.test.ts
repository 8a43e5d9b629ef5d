import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RequantError } from '../../lib/errors';
import { kernels, multiplierFromScale, type Rounding } from '../../lib/kernels';
import { callNative, libcOf, nativeBinaryPath, toRequantError } from '../../lib/runtime/native';
import { expectError } from '../support/errors';
import { type KernelJob, runWithKernel } from '../support/kernel-child';
import { Seeded } from '../support/random';

describe('REQUANT_KERNEL', () => {
  const { available } = kernels();
  const jobs = seededJobs(new Seeded(31));
  const reference = runWithKernel('scalar', jobs);

  it.each(available)('%s really runs and gives the same bytes', (kernel) => {
    const report = runWithKernel(kernel, jobs);
    expect(report.active).toBe(kernel);
    expect(report.digests).toHaveLength(jobs.length);
    const wrong = jobs.flatMap((job, i) =>
      report.digests?.[i] === reference.digests?.[i] ? [] : [describeJob(job)],
    );
    expect(wrong).toEqual([]);
  });

  it('different inputs give different bytes', () => {
    expect(new Set(reference.digests).size).toBeGreaterThan(jobs.length / 2);
  });

  it.each(['sse2', 'AVX2', 'scalar '])("'%s' is ERR_KERNEL, with the names that run here", (kernel) => {
    const { code, message } = runWithKernel(kernel, []);
    expect(code).toBe('ERR_KERNEL');
    expect(message).toContain(available.join(', '));
    expect(message).toContain(`'${kernel}'`);
  });

  it('an empty value means the best one', () => {
    expect(runWithKernel('', []).active).toBe(available[0]);
  });
});

describe('errors of the addon', () => {
  it('carry their code over', () => {
    expectError(
      () => callNative((addon) => addon.packWeights(new Int8Array(1), 2, 2, undefined)),
      'ERR_SHAPE',
    );
  });

  it('without a code are failures of memory', () => {
    const cause = new Error('std::bad_alloc');
    expect(toRequantError(cause)).toMatchObject({ code: 'ERR_MEMORY', cause });
  });

  it('that are none of its own pass', () => {
    const own = new RequantError('ERR_SHAPE', 'expected');
    expect(toRequantError(own)).toBe(own);
    expect(toRequantError('text')).toBe('text');
  });
});

it('finds its binary', () => {
  expect(existsSync(nativeBinaryPath() ?? '')).toBe(true);
});

it('reads the C library of an executable, glibc where there is none', () => {
  expect(['glibc', 'musl']).toContain(libcOf(process.execPath));
  expect(libcOf('/nowhere/node')).toBe('glibc');
});

function seededJobs(random: Seeded): KernelJob[] {
  const jobs: KernelJob[] = [];
  for (let i = 0; i < 160; i++) {
    const [rows, out, inFeatures] = [random.integer(1, 20), random.integer(1, 90), random.integer(1, 200)];
    const weights = random.pick([random.int8s(out * inFeatures), random.uint8s(out * inFeatures)]);
    const x = random.pick([random.int8s(rows * inFeatures), random.uint8s(rows * inFeatures)]);
    const length = random.pick([1, out]);
    const scale = Float32Array.from({ length }, () => 2 ** -random.integer(8, 18) * (1 + random.uniform()));
    const size = rows * out;
    const epilogue = random.pick([
      { result: new Int32Array(size) },
      { result: new Float32Array(size), scale },
      { result: new Int8Array(size), requantize: requantizeJob(random, scale, -128, 127) },
      { result: new Uint8Array(size), requantize: requantizeJob(random, scale, 0, 255) },
    ]);
    const bias = random.int32s(out, 2 ** 18);
    jobs.push({
      kind: 'qgemm',
      x,
      weights,
      out,
      in: inFeatures,
      xZeroPoint: random.integer(0, 127),
      ...random.pick([{}, { zeroPoint: Int32Array.of(random.integer(0, 127)) }]),
      ...random.pick([{}, { bias }]),
      ...epilogue,
    });
  }
  for (let i = 0; i < 40; i++) {
    const scale = Float32Array.from({ length: 37 }, () => 2 ** -random.integer(-5, 32));
    const acc = Int32Array.from(
      { length: 37 * 50 },
      () => random.integer(-1, 1) + 2 ** random.integer(0, 30),
    );
    const requantize = requantizeJob(random, scale, -128, 127);
    jobs.push({ kind: 'requantize', acc, requantize, result: new Int8Array(acc.length) });
  }
  return jobs;
}

function requantizeJob(random: Seeded, scale: Float32Array, low: number, high: number) {
  const roundings: readonly Rounding[] = ['half-up', 'half-even', 'gemmlowp', 'float32'];
  return {
    ...multiplierFromScale(scale),
    zeroPoint: random.integer(low, high),
    min: low + random.integer(0, 30),
    max: high - random.integer(0, 30),
    rounding: random.pick(roundings),
  };
}

function describeJob(job: KernelJob): string {
  if (job.kind !== 'qgemm') return job.kind;
  return `qgemm ${job.out}×${job.in} → ${job.result.constructor.name} ${job.requantize?.rounding ?? ''}`;
}
