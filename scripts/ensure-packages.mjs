// Large tools are no dependency of the root package: they have a package.json and a lockfile of their own, and the first
// command that needs them installs them. npm checks their integrity by the lockfile.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';

const modified = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs;

/** Installs what FOLDER/package-lock.json says, unless that has been done. `args`: more arguments of npm ci. */
export function ensurePackages(folder, what, args = []) {
  // npm writes this file at the end of an installation.
  const installed = modified(path.join(folder, 'node_modules/.package-lock.json'));
  if (installed !== undefined && installed >= modified(path.join(folder, 'package-lock.json'))) return;
  console.error(`${what} (npm ci --ignore-scripts), once`);
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...args], {
    cwd: folder,
    stdio: ['ignore', process.stderr, 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`expected npm ci in ${folder} to succeed but it failed`);
}
