import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // bench/ and the release are plain JavaScript, and so are their tests.
    include: ['test/**/*.test.ts', 'test/{bench,package}/*.test.mjs'],
    // npm run test:conformance, npm run test:report
    exclude: ['test/conformance/**', 'test/report/browser/**', '**/node_modules/**'],
    maxWorkers: '100%', // vitest would leave one CPU idle
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // .ci/run adds up the passed tests.
    reporters: process.env['CI'] ? ['default', ['json', { outputFile: 'build/vitest.json' }]] : ['default'],
  },
});
