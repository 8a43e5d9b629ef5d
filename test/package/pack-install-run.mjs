// A user's way in: npm pack, install into an empty project with install scripts blocked, and use it, by every Node and CPU
// that this machine runs or emulates; then where no binary fits, by the one command that the error prints. Needs
// prebuilds/ (npm run prebuilds -- --only linux-x64-glibc,linux-arm64-glibc), qemu-user-static, the arm64 C++ library.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TARGETS } from '../../scripts/release/targets.mjs';
import { runtimes } from './runtimes.mjs';
import { install, lint, pack } from './tarball.mjs';

const MAX_BYTES = 5 * 2 ** 20;
/** Of user/inference.cjs. The same on every CPU, for good: test/models/same-bits.test.ts. */
const HASH = 'aa2bd7ac0255fa6fc0e40e3c3eda258838a81745dc4737b861a421ddc9805b5f';

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = realpathSync(mkdtempSync(path.join(tmpdir(), 'requant-package-')));
const installed = path.join(project, 'node_modules/requant');

/** Runs a command in the user's project, without PATH: no compiler, no npm. Its stdout, as JSON. */
function run(command, env = {}) {
  const [program, ...args] = command;
  const PATH = program.startsWith('/') ? '' : process.env.PATH;
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: project,
    encoding: 'utf8',
    env: { PATH, ...env },
  });
  assert.equal(status, 0, `${command.join(' ')}\n${stderr}`);
  return JSON.parse(stdout);
}

function checkTarball({ file, size, names }) {
  assert.ok(size <= MAX_BYTES, `expected a tarball of at most ${MAX_BYTES} bytes but received ${size}`);
  assert.deepEqual(
    names.filter((name) => /^(test|scripts|bench|build|\.ci)/.test(name)),
    [],
  );
  lint(file);
  console.log(`${path.basename(file)}: ${size} bytes, ${names.length} files; publint and attw find nothing`);
}

/** The bin, the binary it found and all the kernels in it. */
function checkDoctor({ command, binary }) {
  const doctor = run([...command, 'node_modules/.bin/requant', 'doctor', '--json']);
  assert.equal(doctor.binary, path.join(installed, binary));
  const { kernels } = TARGETS.find(({ platform, arch }) => binary.includes(`${platform}-${arch}`));
  assert.deepEqual(doctor.kernels.compiled, kernels);
}

function checkRuntime({ name, command, binary, active, everyKernel }) {
  checkDoctor({ command, binary });
  const required = run([...command, 'use.cjs']);
  const others = [[...command, 'use.mjs']].map((one) => run(one));
  if (everyKernel)
    for (const kernel of required.available)
      others.push(run([...command, 'use.cjs'], { REQUANT_KERNEL: kernel }));
  for (const { hash } of [required, ...others]) assert.equal(hash, HASH, name);
  if (active) assert.equal(required.active, active);
  const kernels = [...new Set([required, ...others].map((one) => one.active))].join(', ');
  console.log(`${name.padEnd(28)} ${required.node.padEnd(9)} ${required.hash.slice(0, 16)}  ${kernels}`);
}

/** A namespace without any network, where the system lets us have one. */
function offline(command) {
  const wall = ['unshare', '--map-root-user', '--net'];
  const works = spawnSync(wall[0], [...wall.slice(1), 'true']).status === 0;
  return works ? [...wall, ...command] : command;
}

/** Where no binary fits: the error names one command, and what that builds gives the same bits. */
function checkSourceBuild() {
  const { code, message } = run([process.execPath, 'missing.cjs'], { LIBC: 'none' });
  assert.equal(code, 'ERR_BINARY');
  const [program, ...args] = offline(['bash', '-c', message.split('build it with: ')[1]]);
  const start = Date.now();
  const { status, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  assert.equal(status, 0, stderr);
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  assert.ok(existsSync(path.join(installed, 'build/Release/requant.node')));
  for (const file of ['use.cjs', 'use.mjs']) {
    const { hash, active } = run([process.execPath, file], { LIBC: 'none' });
    assert.equal(hash, HASH);
    const how = program === 'unshare' ? 'without a network' : 'with a network: unshare is not allowed here';
    console.log(
      `${`source build, ${file}`.padEnd(28)} ${process.version.padEnd(9)} ${hash.slice(0, 16)}  ${active}; ${seconds} s, ${how}`,
    );
  }
}

function checkVersion() {
  const { version } = run([process.execPath, '-p', "JSON.stringify(require('requant/package.json'))"]);
  const { stdout } = spawnSync(process.execPath, ['node_modules/.bin/requant', '--version'], {
    cwd: project,
    encoding: 'utf8',
  });
  assert.equal(stdout.trim(), version);
}

try {
  for (const name of ['linux-x64', 'linux-arm64'])
    assert.ok(
      existsSync(`${root}prebuilds/${name}/requant.glibc.node`),
      `expected prebuilds/${name}: npm run prebuilds`,
    );
  const tarball = pack(project);
  checkTarball(tarball);
  install(tarball.file, project);
  checkVersion();
  for (const runtime of runtimes()) checkRuntime(runtime);
  checkSourceBuild();
} finally {
  rmSync(project, { recursive: true, force: true });
}
