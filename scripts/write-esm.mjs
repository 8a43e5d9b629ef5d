// One CommonJS build by tsc, and for each entry point an .mjs that re-exports it with its .d.mts: no second copy of the
// code, so no dual-package hazard.

import { chmodSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const dist = new URL('../dist/', import.meta.url);
const { exports } = require('../package.json');

for (const entry of Object.values(exports)) {
  if (typeof entry === 'string') continue;
  const name = entry.require.default.replace('./dist/', '').replace('.js', '');
  const names = Object.keys(require(new URL(`${name}.js`, dist).pathname)).filter(
    (key) => key !== '__esModule',
  );
  const list = names.sort().join(', ');
  writeFileSync(
    new URL(`${name}.mjs`, dist),
    // Not `import`: Node would search the whole file for names that it exports.
    `import { createRequire } from 'node:module';\n` +
      `export const { ${list} } = createRequire(import.meta.url)('./${name}.js');\n`,
  );
  writeFileSync(new URL(`${name}.d.mts`, dist), `export * from './${name}.js';\n`);
}
chmodSync(new URL('cli/main.js', dist), 0o755);
