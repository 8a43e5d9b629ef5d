import { describe, expect, it } from 'vitest';
import { examine } from '../../lib/cli/doctor';
import { type System, thisSystem } from '../../lib/cli/system';
import { RequantError } from '../../lib/errors';
import { kernels } from '../../lib/kernels';
import { version } from '../../lib/version';
import { cli, json } from './support';

function system(changes: Partial<System>): System {
  return {
    ...thisSystem(),
    binaryPath: () => '/x/requant.node',
    kernelsInfo: () => ({
      compiled: ['avx2', 'scalar'],
      available: ['scalar'],
      sparse: ['avx512vnni'],
      features: ['sse2'],
    }),
    activeKernel: () => 'scalar',
    cpuLimits: () => ({ cpus: 4, cgroup: null, quotaCpus: null }),
    poolInfo: () => ({ threads: 4, source: 'affinity' }),
    ...changes,
  };
}

describe('doctor', () => {
  it('reports this machine', async () => {
    const ran = await cli(['doctor', '--json']);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
    const { available, active } = kernels();
    expect(json(ran)).toMatchObject({
      version: version(),
      node: process.version,
      platform: process.platform,
      arch: process.arch,
      binary: expect.stringMatching(/\.node$/),
      kernels: { available, active, compiled: expect.arrayContaining(['scalar']) },
      memory: { totalBytes: expect.any(Number) },
    });
    const { stdout } = await cli(['doctor']);
    expect(stdout).toMatch(/memory +[\d.]+ [GM]iB, [\d.]+ [GM]iB free/);
    expect(stdout).toContain(`kernel in use          ${active} (`);
  });

  it('says why the kernel is in use', () => {
    expect(examine(system({}), { env: {} }).text).toContain('scalar (the best that this CPU runs)');
    const forced = examine(system({}), { env: { REQUANT_KERNEL: 'scalar' } });
    expect(forced.text).toContain('scalar (forced by REQUANT_KERNEL)');
    expect(forced.problem).toBeUndefined();
  });

  it('says whether zero blocks are left out', () => {
    const seen = (active: string, sparse: string[]) => {
      const found = { compiled: [], available: [active], sparse, features: [] };
      const { report, text } = examine(system({ kernelsInfo: () => found, activeKernel: () => active }), {
        env: {},
      });
      return [(report as { kernels: object }).kernels, /zero 4×1 blocks +(.*)/.exec(text)![1]];
    };
    expect(seen('avx512vnni', ['avx512vnni'])).toEqual([
      expect.objectContaining({ skipsZeroBlocks: true }),
      'left out of int8 layers where that pays',
    ]);
    expect(seen('avx2', ['avx512vnni'])).toEqual([
      expect.objectContaining({ skipsZeroBlocks: false }),
      'run as others, but with avx512vnni',
    ]);
    expect(seen('scalar', [])[1]).toBe('run as others (needs AVX-512 VNNI and VBMI)');
  });

  it('a wrong REQUANT_KERNEL is a problem, reported with everything else', () => {
    const error = new RequantError('ERR_KERNEL', "expected … but received 'best'");
    const activeKernel = (): never => {
      throw error;
    };
    const { report, text, problem } = examine(system({ activeKernel }), { env: { REQUANT_KERNEL: 'best' } });
    expect(problem).toEqual({ code: 'ERR_KERNEL', message: error.message, exit: 1 });
    expect(report).toMatchObject({ kernels: { active: null, available: ['scalar'] } });
    expect(text).toMatch(/kernel in use +none/);
    expect(text).toMatch(/kernels available +scalar/);
  });

  it('a missing binary is a problem with the build command and its cause', () => {
    const kernelsInfo = (): never => {
      throw new RequantError('ERR_BINARY', 'build it with: cmake …', { cause: new Error('no\nGLIBC_9') });
    };
    const { report, text, problem } = examine(system({ kernelsInfo, binaryPath: () => undefined }), {
      env: {},
    });
    expect(problem).toEqual({
      code: 'ERR_BINARY',
      message: 'build it with: cmake … (no GLIBC_9)',
      exit: 1,
    });
    expect(report).toMatchObject({ binary: null, kernels: null });
    expect(text).toMatch(/binary +none/);
    expect(text).toContain('CPU quota');
  });

  it('shows the container memory limit', () => {
    const limited = examine(system({ totalMemory: 8 * 2 ** 30, memoryLimit: 2 ** 29 }), { env: {} });
    expect(limited.text).toMatch(/memory limit +512\.0 MiB/);
    for (const memoryLimit of [undefined, 0, 2 ** 63]) {
      expect(examine(system({ memoryLimit }), { env: {} }).text).toMatch(/memory limit +none/);
    }
  });

  it.each([
    [{ cpus: 8, cgroup: null, quotaCpus: null }, 'none (no cgroup)'],
    [{ cpus: 8, cgroup: 'v1', quotaCpus: null }, 'none (cgroup v1)'],
    [{ cpus: 8, cgroup: 'v2', quotaCpus: 1.5 }, '1.5 CPUs (cgroup v2)'],
  ] as const)('shows the CPU quota %o', (limits, text) => {
    const { report, text: shown } = examine(system({ cpuLimits: () => limits }), { env: {} });
    expect(shown).toContain(`CPU quota              ${text}`);
    expect(report).toMatchObject({
      limits: { schedulableCpus: 8, cgroup: limits.cgroup, quotaCpus: limits.quotaCpus },
    });
  });

  it.each([
    ['affinity', 'the CPUs this process may use'],
    ['quota', 'the CPU quota, rounded down'],
    ['REQUANT_THREADS', 'from REQUANT_THREADS'],
  ] as const)('shows the pool and what decided its size: %s', (source, why) => {
    const pool = { threads: 3, source };
    const { report, text } = examine(system({ poolInfo: () => pool }), { env: {} });
    expect(text).toContain(`3 (${why})`);
    expect(report).toMatchObject({ pool });
  });

  it('a wrong REQUANT_THREADS is a problem, reported with everything else', () => {
    const poolInfo = (): never => {
      throw new RequantError('ERR_ARGUMENT', "expected … but received 'many'");
    };
    const { report, text, problem } = examine(system({ poolInfo }), { env: {} });
    expect(problem).toEqual({ code: 'ERR_ARGUMENT', message: "expected … but received 'many'", exit: 1 });
    expect(report).toMatchObject({ pool: null, limits: { schedulableCpus: 4 } });
    expect(text).toMatch(/kernel in use +scalar/);
  });
});
