// Builds the binaries of a release into prebuilds/, where npm pack takes them from and node-gyp-build finds them.
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import prebuildify from 'prebuildify';
import { buildFolder } from './release/build-folder.mjs';
import { binaryOf, TARGETS, targetsNamed } from './release/targets.mjs';
import { zigEnvironment } from './release/zig.mjs';

const USAGE = `Usage: npm run prebuilds -- [--only TARGET,…]

Builds prebuilds/<platform>-<arch>/requant[.<libc>].node with zig (installed in scripts/release on the first run, 77 MB),
on linux-x64, for

  ${TARGETS.map(({ name, tested }) => (tested ? name : `${name} (by its name alone: never run)`)).join('\n  ')}

Then: node test/package/check-binaries.mjs (the gates), node test/package/pack-install-run.mjs (a user's way in).

  --only TARGET,…  these alone
  --help           this text`;

const root = fileURLToPath(new URL('..', import.meta.url));

function options() {
  const { values } = parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean' } } });
  return values;
}

async function build(target) {
  const cwd = path.join(buildFolder, target.name); // its build/Release, not that of this checkout
  mkdirSync(cwd, { recursive: true });
  await promisify(prebuildify)({
    cwd,
    out: root,
    platform: target.platform,
    arch: target.arch,
    libc: target.libc,
    tagLibc: target.libc ?? false,
    napi: true,
    name: 'requant',
    nodeGyp: path.join(root, 'scripts/release/build-target.mjs'),
  });
}

async function main() {
  const { only, help } = options();
  if (help) return console.log(USAGE);
  const targets = targetsNamed(only);
  Object.assign(process.env, zigEnvironment());
  for (const [i, target] of targets.entries()) {
    const start = Date.now();
    process.stderr.write(`[${i + 1}/${targets.length}] ${target.name} … `);
    await build(target);
    const file = binaryOf(target);
    const seconds = ((Date.now() - start) / 1000).toFixed(0);
    process.stderr.write(`${file}, ${statSync(path.join(root, file)).size} bytes, ${seconds} s\n`);
  }
}

main().catch(({ message }) => {
  console.error(`prebuilds: ${message}`);
  process.exitCode = 1;
});
