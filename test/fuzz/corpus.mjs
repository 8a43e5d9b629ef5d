// The inputs that led to new code, kept in the repository: corpus/<target>.tgz ↔ build/corpus/<target>.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';

function tar(args) {
  const { status } = spawnSync('tar', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`expected tar ${args.join(' ')} to succeed`);
}

const kept = (folder, target) => path.join(folder, 'corpus', `${target}.tgz`);
const working = (build, target) => path.join(build, 'corpus', target);

/** Beside what earlier runs have found here. */
export function restoreCorpus(folder, build, target) {
  mkdirSync(working(build, target), { recursive: true });
  if (existsSync(kept(folder, target))) tar(['-xzf', kept(folder, target), '-C', working(build, target)]);
}

/** To be committed. */
export function keepCorpus(folder, build, target) {
  mkdirSync(path.join(folder, 'corpus'), { recursive: true });
  const plain = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  tar(['-czf', kept(folder, target), ...plain, '-C', working(build, target), '.']);
}
