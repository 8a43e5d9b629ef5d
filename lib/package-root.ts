import path from 'node:path';

/** The folder of this package. Stands at the top of lib/, so that it is right in the bundled files of dist/ as well. */
export const packageRoot = path.join(__dirname, '..');
