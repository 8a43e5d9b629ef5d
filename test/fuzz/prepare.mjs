// The fuzzer installed, and made to load where the system's C library is older than the one it was built with.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { adaptBinary } from './old-glibc/adapt.mjs';

const modified = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs;

function install(folder) {
  // npm writes this file at the end of an installation.
  const installed = modified(path.join(folder, 'node_modules', '.package-lock.json'));
  if (installed !== undefined && installed >= modified(path.join(folder, 'package-lock.json'))) return;
  console.error('fuzz: installing the fuzzer in test/fuzz/node_modules (npm ci), once');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', process.stderr, 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('expected npm ci in test/fuzz/ to succeed but it failed');
}

/** undefined, or why the fuzzer does not load, with all the functions that it will look for. */
function loadError(folder, environment) {
  const { status, stderr } = spawnSync(process.execPath, ['-e', "require('@jazzer.js/fuzzer')"], {
    cwd: folder,
    env: { ...environment, LD_BIND_NOW: '1' },
    encoding: 'utf8',
  });
  return status === 0 ? undefined : stderr;
}

/** The environment to start the fuzzer with. */
export function prepareFuzzer(folder, build) {
  install(folder);
  if (loadError(folder, process.env) === undefined) return process.env;
  const shim = path.join(build, 'shim.so');
  const name = `fuzzer-${process.platform}-${process.arch}.node`;
  adaptBinary(path.join(folder, 'node_modules', '@jazzer.js', 'fuzzer', 'prebuilds', name), shim);
  const environment = { ...process.env, LD_PRELOAD: shim };
  const error = loadError(folder, environment);
  if (error !== undefined) throw new Error(`expected the fuzzer to load but received:\n${error}`);
  return environment;
}
