// clang-format over every C++ file git knows; --check reports instead of writing.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.h', '*.cpp'], {
  cwd: root,
  encoding: 'utf8',
});
// A file that is deleted but not yet committed is still listed.
const files = listed
  .trim()
  .split('\n')
  .filter((file) => existsSync(path.join(root, file)));
const mode = process.argv.includes('--check') ? ['--dry-run', '-Werror'] : ['-i'];
const { status } = spawnSync(
  process.execPath,
  ['node_modules/clang-format-node/build/cli.js', ...mode, ...files],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
