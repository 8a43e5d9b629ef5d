// The entry points of dist/ again, in few files: to find and compile the 60 files that tsc writes took 15 ms of every
// start. tsc's files stay beside these: declarations, command line, and what tests look into. They stand at the top of
// dist/, where lib/package-root.ts finds the package.
//   core.js   the models: to load one and to run it; all that starting a server loads
//   main.js   the functions of requant's entry point, at the first call of one
//   index.js  both
//   onnx.js   its functions, which load onnx-main.js and with it @bufbuild/protobuf, or say how to install that
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const others = Object.values(exports)
  .filter((entry) => typeof entry === 'object')
  .map(({ require }) => require.default.replace('./dist/', '').replace('.js', ''))
  .filter((name) => name !== 'index' && name !== 'onnx');

/** What loading and running a model takes: the chunk `core` is made of it. */
const CORE = { 'core-entry': 'lib/models/load.ts' };
/** Classes cannot be put off: `instanceof` and `extends` need them. */
const CORE_NAMES = ['MLP', 'QuantizedMLP', 'RequantError', 'load'];

const options = {
  cwd: root,
  platform: 'node',
  external: ['node-gyp-build', 'echarts', /^@bufbuild\/protobuf/],
  // The oldest Node that is supported knows no `using`.
  transform: { target: 'node20' },
};

/** Files of an entry without what it loads on demand. */
async function reachable(input) {
  const bundle = await rolldown({ ...options, input });
  const { output } = await bundle.generate({ format: 'cjs' });
  await bundle.close();
  return new Set(output.filter(({ isEntry }) => isEntry).flatMap(({ moduleIds }) => moduleIds));
}

/** One character outside of ASCII, and V8 keeps the whole source in two bytes a character. Such ones stand in texts only. */
function ascii(code) {
  return code.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const asciiPlugin = {
  name: 'ascii',
  // After minification, which would undo it.
  generateBundle(_, files) {
    for (const file of Object.values(files)) if (file.type === 'chunk') file.code = ascii(file.code);
  },
};

const core = await reachable(CORE);
const bundle = await rolldown({
  ...options,
  input: {
    main: 'lib/index.ts',
    'onnx-main': 'lib/onnx.ts',
    'onnx-peer': 'lib/models/onnx/peer.ts',
    ...CORE,
    ...Object.fromEntries(others.map((name) => [name, `lib/${name}.ts`])),
  },
  plugins: [asciiPlugin],
});
await bundle.write({
  dir: `${root}dist`,
  format: 'cjs',
  exports: 'named',
  entryFileNames: '[name].js',
  // Not the name of a file by tsc, which the command line loads.
  chunkFileNames: ({ name }) => (name === 'core' ? 'core.js' : `${name}.part.js`),
  minifyInternalExports: false,
  codeSplitting: {
    groups: [
      { name: 'core', test: (id) => core.has(id) },
      { name: 'onnx-format', test: /lib.formats.onnx/ },
    ],
  },
  // Names of functions and classes stay: they are what a stack trace says.
  minify: { compress: true, mangle: { toplevel: false }, codegen: { removeWhitespace: true } },
});
await bundle.close();
rmSync(`${root}dist/core-entry.js`);

const main = createRequire(import.meta.url)(`${root}dist/main.js`);
const functions = Object.keys(main).filter((name) => !CORE_NAMES.includes(name));
writeFileSync(
  `${root}dist/index.js`,
  `'use strict';
const { ${CORE_NAMES.join(', ')} } = require('./core.js');
const main = () => require('./main.js');
module.exports = {
  ${CORE_NAMES.join(', ')},
${functions.map((name) => `  ${name}: (...args) => main().${name}(...args),`).join('\n')}
};
`,
);
writeFileSync(
  `${root}dist/onnx.js`,
  `'use strict';
const { isMissing, missingPeer } = require('./onnx-peer.js');
const main = () => {
  try {
    return require('./onnx-main.js');
  } catch (cause) {
    throw isMissing(cause) ? missingPeer(cause) : cause;
  }
};
module.exports = {
  exportOnnx: (...args) => main().exportOnnx(...args),
  importOnnx: async (...args) => main().importOnnx(...args),
};
`,
);
