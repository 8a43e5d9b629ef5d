import { fileURLToPath } from 'node:url';

/** Where zig builds, a folder a target. */
export const buildFolder = fileURLToPath(new URL('../../build-prebuilds', import.meta.url));
