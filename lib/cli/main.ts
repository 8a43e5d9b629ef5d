#!/usr/bin/env node
import { run } from './run';

const interrupt = new AbortController();
// Once: a second Ctrl-C ends the process at once.
process.once('SIGINT', () => interrupt.abort());
// A reader that has seen enough (`requant inspect … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`requant: ERR_IO: cannot write to stdout: ${error.message}\n`);
  process.exit(1);
});

const { argv, stdout, stderr, env } = process;
run(argv.slice(2), {
  stdout,
  stderr,
  env,
  stderrIsTTY: stderr.isTTY === true,
  signal: interrupt.signal,
}).then((code) => {
  process.exitCode = code;
});
