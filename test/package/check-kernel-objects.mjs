// node check-kernel-objects.mjs FOLDER…: CMake folders, whose kernels may share no symbol.
import { objectProblems } from './binary/kernel-objects.mjs';

for (const folder of process.argv.slice(2)) {
  const problems = objectProblems(folder);
  console.log(problems.length === 0 ? `${folder}: no shared symbol in a kernel` : problems.join('\n'));
  if (problems.length > 0) process.exitCode = 1;
}
