// The entry points of dist/ again, with all they load in one file, shared.js: to find and compile the 50 files that tsc
// writes took 15 ms of every start. tsc's files stay beside it: declarations, command line, and what tests look into.
// They stand at the top of dist/, where lib/package-root.ts finds the package.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const names = Object.values(exports)
  .filter((entry) => typeof entry === 'object')
  .map(({ require }) => require.default.replace('./dist/', '').replace('.js', ''));

/** One character outside of ASCII, and V8 keeps the whole source in two bytes a character. Such ones stand in texts only. */
function ascii(code) {
  return code.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(names.map((name) => [name, `lib/${name}.ts`])),
  platform: 'node',
  external: ['node-gyp-build'],
  plugins: [
    {
      name: 'ascii',
      // After minification, which would undo it.
      generateBundle(_, files) {
        for (const file of Object.values(files)) if (file.type === 'chunk') file.code = ascii(file.code);
      },
    },
  ],
});
await bundle.write({
  dir: `${root}dist`,
  format: 'cjs',
  exports: 'named',
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
  codeSplitting: {
    groups: [
      {
        name: 'shared',
        test: /[\\/]lib[\\/](?!training|kernels|runtime.operators|calibration.(?!result|methods|range|on-demand))/,
      },
    ],
  },
  // Names stay: they are what a stack trace says.
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
});
await bundle.close();
