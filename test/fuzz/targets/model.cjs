// Model files put together from three parts, separated by 0xFF: the JSON document, the members of the header that
// describe the tensors, and their data. In a whole file the document is a string within JSON, with a length in front:
// a mutation would rarely get into it.
const { METADATA_KEY } = require('../build/requant/dist/formats/safetensors-header.js');
const { useModel } = require('./use-model.cjs');

exports.fuzz = async function fuzz(bytes) {
  await useModel(assemble(bytes));
};

function assemble(bytes) {
  const first = indexOrEnd(bytes, 0);
  const second = indexOrEnd(bytes, first + 1);
  const document = bytes.toString('utf8', 0, first);
  const members = bytes.toString('utf8', first + 1, second).trim();
  const metadata = JSON.stringify({ [METADATA_KEY]: { format: 'requant', requant: document } });
  const header = Buffer.from(members === '' ? metadata : `${metadata.slice(0, -1)},${members}}`);
  // A multiple of 4, so that most tensors are read in place.
  const padded = Buffer.alloc(Math.ceil(header.length / 4) * 4, 0x20);
  header.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, bytes.subarray(second + 1)]);
}

function indexOrEnd(bytes, from) {
  const at = bytes.indexOf(0xff, from);
  return at === -1 ? bytes.length : at;
}
