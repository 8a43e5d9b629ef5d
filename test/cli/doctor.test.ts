import { describe, expect, it } from 'vitest';
import { examine } from '../../lib/cli/doctor';
import { cpuQuota, type System, thisSystem } from '../../lib/cli/system';
import { RequantError } from '../../lib/errors';
import { kernels } from '../../lib/kernels';
import { version } from '../../lib/version';
import { cli, json } from './support';

function system(changes: Partial<System>): System {
  return {
    ...thisSystem(),
    readText: () => undefined,
    binaryPath: () => '/x/requant.node',
    kernelsInfo: () => ({ compiled: ['avx2', 'scalar'], available: ['scalar'], features: ['sse2'] }),
    activeKernel: () => 'scalar',
    ...changes,
  };
}

describe('doctor', () => {
  it('reports this machine', async () => {
    const ran = await cli(['doctor', '--json']);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
    const { available, active } = kernels();
    expect(json(ran)).toMatchObject({
      version,
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
});

describe('cpuQuota', () => {
  const files =
    (texts: Record<string, string>) =>
    (path: string): string | undefined =>
      texts[path];

  it.each([
    { text: '150000 100000\n', cpus: 1.5 },
    { text: 'max 100000\n', cpus: null },
    { text: 'max\n', cpus: null },
  ])('cgroup v2: $text', ({ text, cpus }) => {
    expect(cpuQuota({ readText: files({ '/sys/fs/cgroup/cpu.max': text }) })).toEqual({ cgroup: 'v2', cpus });
  });

  it.each([
    { quota: '50000\n', cpus: 0.5 },
    { quota: '-1\n', cpus: null },
  ])('cgroup v1: $quota', ({ quota, cpus }) => {
    const readText = files({
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': quota,
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    });
    expect(cpuQuota({ readText })).toEqual({ cgroup: 'v1', cpus });
  });

  it('none', () => {
    expect(cpuQuota({ readText: () => undefined })).toBeNull();
  });
});
