import { spawnSync } from 'node:child_process';

/** Runs cmake, or ends this process with its code. What fails says so; the lines of a build that goes well are nobody's. */
export function cmake(args, options = {}) {
  const { status, stdout } = spawnSync('cmake', args, {
    ...options,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return;
  process.stderr.write(stdout ?? 'expected cmake on the PATH\n');
  process.exit(status ?? 1);
}
