// lib/ as tsc writes it, file by file, so that each module is instrumented under its own name; with the repository's
// addon beside it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export function buildLibrary(folder) {
  if (!existsSync(path.join(root, 'build', 'Release', 'requant.node')))
    throw new Error("expected the addon in build/Release; run 'npm ci' in the repository first");
  mkdirSync(folder, { recursive: true });
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const output = ['--outDir', path.join(folder, 'dist'), '--declaration', 'false', '--sourceMap'];
  execFileSync(process.execPath, [tsc, '-p', path.join(root, 'tsconfig.build.json'), ...output], {
    stdio: 'inherit',
  });
  // lib/package-root.ts looks for these two above dist/. The folders around are ES modules.
  copyFileSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  const addon = path.join(folder, 'build');
  rmSync(addon, { force: true });
  symlinkSync(path.join(root, 'build'), addon);
}
