// The peers are large (onnxruntime-node alone unpacks to 290 MB), so they are no dependency of the root package: the
// first run that needs them installs them here.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));

const modified = (file) => statSync(`${folder}${file}`, { throwIfNoEntry: false })?.mtimeMs;

/** Installs what bench/package-lock.json says, unless that has been done. */
export function ensurePackages() {
  // npm writes this file at the end of an installation.
  const installed = modified('node_modules/.package-lock.json');
  if (installed !== undefined && installed >= modified('package-lock.json')) return;
  console.error('bench: installing the peers in bench/node_modules (npm ci --ignore-scripts), once');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', process.stderr, 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('expected npm ci in bench/ to succeed but it failed');
}
