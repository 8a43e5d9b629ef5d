// clang-format over every C++ file git knows; --check reports instead of writing.
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.h', '*.cpp'], {
  cwd: root,
  encoding: 'utf8',
});
const mode = process.argv.includes('--check') ? ['--dry-run', '-Werror'] : ['-i'];
const { status } = spawnSync(
  process.execPath,
  ['node_modules/clang-format-node/build/cli.js', ...mode, ...listed.trim().split('\n')],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
