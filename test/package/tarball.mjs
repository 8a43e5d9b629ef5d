import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

const npm = (args, cwd) =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** Packs this checkout into a folder; { file, size, names of what is in it }. */
export function pack(folder) {
  const [{ filename, size, files }] = JSON.parse(
    npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root),
  );
  return { file: path.join(folder, filename), size, names: files.map((one) => one.path) };
}

/** What publint and attw have to say of a tarball; throws where it is anything. */
export function lint(file) {
  for (const args of [
    ['publint', 'run', '--strict', file],
    ['attw', '--no-emoji', file],
  ])
    execFileSync('npx', ['--no-install', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
}

/** A user's project that has the tarball installed, without any install script. */
export function install(tarball, project) {
  const { scripts = {} } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const name of ['preinstall', 'install', 'postinstall'])
    if (name in scripts) throw new Error(`expected no ${name} script`);
  writeFileSync(path.join(project, 'package.json'), '{ "name": "user", "private": true }');
  npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', tarball], project);
  cpSync(path.join(root, 'test/package/user'), project, { recursive: true });
}
