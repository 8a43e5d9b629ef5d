// npm run test:conformance: against onnxruntime-node, which is too large for `npm test`.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/conformance/**/*.test.ts'],
    globalSetup: ['test/conformance/install.mjs'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: process.env['CI']
      ? ['default', ['json', { outputFile: 'build/conformance.json' }]]
      : ['default'],
  },
});
