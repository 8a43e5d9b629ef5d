// A user's way in: npm pack, install into an empty project with install scripts blocked, and use it. The tarball holds
// no binary yet (prebuilds come with the release), so the first native call must say how to build, and that must work.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = mkdtempSync(path.join(tmpdir(), 'requant-package-'));

const npm = (args, cwd) =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

function node(file, source) {
  writeFileSync(path.join(project, file), source);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: project, encoding: 'utf8' });
  return { status, stdout: stdout.trim(), stderr };
}

const USE = `
const model = new MLP([linear({ inFeatures: 4, outFeatures: 3 })], { seed: 1 });
console.log(kernels().active, model.runSync(new Float32Array([1, 2, 3, 4])).length);`;
const REQUIRE = `const { MLP, linear } = require('requant'); const { kernels } = require('requant/kernels'); require('requant/training');`;
const IMPORT = `import { MLP, linear } from 'requant'; import { kernels } from 'requant/kernels'; import { train } from 'requant/training';`;
const EXPECT_BINARY_ERROR = `
const { kernels } = require('requant/kernels');
try { kernels(); } catch (error) { console.log(JSON.stringify({ code: error.code, message: error.message })); }`;

try {
  const [{ filename, size }] = JSON.parse(
    npm(['pack', '--json', '--ignore-scripts', '--pack-destination', project], root),
  );
  assert.ok(size <= 5 * 2 ** 20, `a tarball of at most 5 MB, not ${size} bytes`);
  writeFileSync(path.join(project, 'package.json'), '{ "name": "user", "private": true }');
  npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', path.join(project, filename)], project);

  const missing = node('missing.cjs', EXPECT_BINARY_ERROR);
  const error = JSON.parse(missing.stdout || 'null');
  assert.equal(error?.code, 'ERR_BINARY', missing.stderr);
  const command = error.message.split('build it with: ')[1];
  execFileSync('bash', ['-c', command], { stdio: ['ignore', 'ignore', 'inherit'] });

  for (const [file, head] of [
    ['use.cjs', REQUIRE],
    ['use.mjs', IMPORT],
  ]) {
    const { status, stdout, stderr } = node(file, head + USE);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^[a-z0-9-]+ 3$/);
  }
  const version = execFileSync('npx', ['--no-install', 'requant', '--version'], {
    cwd: project,
    encoding: 'utf8',
  });
  assert.match(version, /^\d+\.\d+\.\d+/);
  console.log(`package: ${filename}, ${size} bytes, builds and runs`);
} finally {
  rmSync(project, { recursive: true, force: true });
}
