// What stands beside the results: without it they mean nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { kernels, native, thisSystem, version } from './requant.mjs';

const git = (...args) => {
  try {
    return execFileSync('git', args, {
      cwd: new URL('.', import.meta.url),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
};

/** The commit; with a + where the sources differ from it. */
function commit() {
  const hash = git('rev-parse', '--short', 'HEAD');
  return hash === undefined ? null : git('status', '--porcelain', '-uno') === '' ? hash : `${hash}+`;
}

const readJson = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

function packageVersions() {
  const { dependencies } = readJson('package.json');
  return Object.fromEntries(
    Object.keys(dependencies).map((name) => [name, readJson(`node_modules/${name}/package.json`).version]),
  );
}

export function describeMachine({ peers }) {
  const { cpuModel, cpus, availableParallelism, totalMemory, platform, arch, nodeVersion, libc } =
    thisSystem();
  return {
    date: new Date().toISOString(),
    commit: commit(),
    requant: version(),
    cpu: cpuModel,
    cpus,
    availableParallelism,
    /** CPUs' worth of time that the container may use; null: no limit. */
    cpuQuota: native().cpuLimits().quotaCpus,
    memory: totalMemory,
    platform,
    arch,
    libc,
    kernel: kernels().active,
    node: nodeVersion,
    ...(peers.some((peer) => peer === 'ort' || peer === 'tfjs') && { packages: packageVersions() }),
  };
}
