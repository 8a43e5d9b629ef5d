// `npm run docs:api`: the reference of every entry point of package.json. Warnings are errors: a name that is used but
// not exported, a broken link, a name without a word about it.
import { readFileSync } from 'node:fs';

const { exports } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));

/** @type {import('typedoc').TypeDocOptions} */
export default {
  name: 'requant',
  entryPoints: Object.values(exports)
    .filter((entry) => typeof entry === 'object')
    .map(({ require }) => require.types.replace('./dist/', './lib/').replace('.d.ts', '.ts')),
  tsconfig: 'tsconfig.build.json',
  out: 'build-api',
  readme: 'none',
  includeVersion: true,
  disableGit: true,
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  // Shapes that the API names nowhere else: what they hold is shown where they are used.
  intentionallyNotExported: ['Calibratable', 'Codes', 'LossName', 'Multipliers', 'OptimizerOptions'],
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  requiredToBeDocumented: ['Class', 'Function', 'Interface', 'TypeAlias', 'Variable', 'Enum'],
};
