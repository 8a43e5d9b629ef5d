// .npy files: the header, then rows and labels of a file on disk where the header is one.
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { openNpy, parseNpyHeader, readNpyLabels } = require('../build/requant/dist/formats/npy.js');
const { accept, acceptAsync } = require('./outcome.cjs');

const CODES = ['ERR_DTYPE', 'ERR_FORMAT', 'ERR_LIMIT', 'ERR_UNSUPPORTED', 'ERR_VERSION'];

const folder = mkdtempSync(path.join(tmpdir(), 'requant-fuzz-'));
const file = path.join(folder, 'a.npy');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

exports.fuzz = async function fuzz(bytes) {
  const header = accept(CODES, () => parseNpyHeader(bytes));
  if (header === undefined) return;
  writeFileSync(file, bytes);
  await acceptAsync(CODES, () => readNpyLabels(file));
  const rows = await acceptAsync(CODES, () => openNpy(file));
  if (rows === undefined) return;
  let count = 0;
  for await (const batch of rows.batches(7)) count += batch.length;
  await rows.close();
  if (count !== rows.rows * rows.features) throw new Error('another number of values than the shape says');
};
