// The gates of prebuilds/: node check-binaries.mjs [--only TARGET,…]   A missing binary is a failure.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildFolder } from '../../scripts/release/build-folder.mjs';
import { binaryOf, targetsNamed } from '../../scripts/release/targets.mjs';
import { describeBinary } from './binary/describe.mjs';
import { problemsOf } from './binary/gates.mjs';
import { objectProblems } from './binary/kernel-objects.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

function check(target) {
  const file = path.join(root, binaryOf(target));
  if (!existsSync(file)) return { problems: ['expected a file'] };
  const binary = describeBinary(file);
  const objects = objectProblems(path.join(buildFolder, target.name, 'build'));
  return { binary, problems: [...problemsOf(binary, target), ...objects] };
}

function row({ name }, { binary, problems }) {
  const floor = binary?.glibc ? `glibc ${binary.glibc.join('.')}` : '';
  const verdict = problems.length === 0 ? 'passes' : problems.join('\n    ');
  return [name.padEnd(18), `${binary?.size ?? '-'}`.padStart(9), floor.padEnd(11), verdict].join('  ');
}

const { values } = parseArgs({ options: { only: { type: 'string' } } });
for (const target of targetsNamed(values.only)) {
  const result = check(target);
  console.log(row(target, result));
  if (result.problems.length > 0) process.exitCode = 1;
}
