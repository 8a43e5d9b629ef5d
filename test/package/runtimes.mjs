// The Nodes that the installed package is run with: of the npm registry, integrity by the lockfile in runtimes/.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from '../../scripts/ensure-packages.mjs';

const folder = fileURLToPath(new URL('runtimes', import.meta.url));
const node = (name) => path.join(folder, 'node_modules', name, 'bin/node');
const arm64 = (cpu) => [
  'qemu-aarch64-static',
  '-cpu',
  cpu,
  '-L',
  '/usr/aarch64-linux-gnu',
  node('node-20-arm64'),
];

/**
 * `command`: before the script's name. `binary`: what must be loaded. `active`: the kernel that must be chosen, where the
 * emulated CPU says which.
 */
export function runtimes() {
  ensurePackages(folder, 'installing Node 20, 22, 24 and Node for arm64 in test/package/runtimes', [
    '--force',
  ]);
  const x64 = 'prebuilds/linux-x64/requant.glibc.node';
  const arm = 'prebuilds/linux-arm64/requant.glibc.node';
  return [
    { name: 'Node 20, x64', command: [node('node-20-x64')], binary: x64, everyKernel: true },
    { name: 'Node 22, x64', command: [node('node-22-x64')], binary: x64 },
    { name: 'Node 24, x64', command: [node('node-24-x64')], binary: x64 },
    { name: 'Node 20, arm64 with i8mm', command: arm64('max'), binary: arm, active: 'neon-i8mm' },
    {
      name: 'Node 20, arm64 with dotprod',
      command: arm64('neoverse-n1'),
      binary: arm,
      active: 'neon-dotprod',
    },
    { name: 'Node 20, arm64', command: arm64('cortex-a53'), binary: arm, active: 'scalar' },
  ];
}
