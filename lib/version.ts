import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from './package-root';

let known: string | undefined;

/** This package's version, as its package.json says; read when it is first asked for. */
export function version(): string {
  known ??= (JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string })
    .version;
  return known;
}
