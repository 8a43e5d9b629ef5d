// Strict JSON: what is accepted is what JSON.parse reads, without prototypes; by the short way and the long one.
const { parseStrictJson, MAX_JSON_DEPTH } = require('../build/requant/dist/formats/strict-json.js');
const { accept } = require('./outcome.cjs');

const CODES = ['ERR_FORMAT', 'ERR_LIMIT'];

exports.fuzz = function fuzz(bytes) {
  const text = bytes.toString('utf8');
  const value = accept(CODES, () => parseStrictJson(text, { maxLength: 4096 }));
  if (value === undefined) return;
  checkPlain(value, MAX_JSON_DEPTH + 1);
  const written = JSON.stringify(value);
  if (written !== JSON.stringify(JSON.parse(text))) throw new Error('another value than that of JSON.parse');
  // White space at the front keeps a text from the short way.
  const again = accept(CODES, () => parseStrictJson(` ${written}`));
  if (JSON.stringify(again) !== written) throw new Error('another value by the long way');
};

function checkPlain(value, depth) {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('a number beyond float64');
  if (typeof value !== 'object' || value === null) return;
  if (depth === 0) throw new Error('nested too deeply');
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== null) throw new Error('a prototype');
  for (const member of Object.values(value)) checkPlain(member, depth - 1);
}
