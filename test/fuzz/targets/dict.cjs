// The Python dict of a .npy header.
const { parsePythonDict } = require('../build/requant/dist/formats/python-dict.js');
const { accept } = require('./outcome.cjs');

exports.fuzz = function fuzz(bytes) {
  const dict = accept(['ERR_FORMAT', 'ERR_DTYPE'], () => parsePythonDict(bytes.toString('latin1')));
  for (const value of dict?.values() ?? []) {
    if (typeof value === 'string' || typeof value === 'boolean') continue;
    if (!Array.isArray(value) || !value.every((size) => Number.isSafeInteger(size) && size >= 0))
      throw new Error('a value that is no string, boolean or tuple of sizes');
  }
};
