// safetensors: as the bytes are, and with a header length that fits, so that mutations get past it.
const { readSafetensors, writeSafetensors } = require('../build/requant/dist/formats/safetensors.js');
const { accept } = require('./outcome.cjs');

const CODES = ['ERR_FORMAT', 'ERR_LIMIT', 'ERR_UNSUPPORTED'];

exports.fuzz = function fuzz(bytes) {
  read(bytes);
  const end = bytes.lastIndexOf(0x7d) + 1; // behind the last '}'
  if (end <= 8) return;
  const repaired = Buffer.from(bytes);
  repaired.writeBigUInt64LE(BigInt(end - 8), 0);
  read(repaired);
};

function read(bytes) {
  const file = accept(CODES, () => readSafetensors(bytes));
  if (file === undefined) return;
  for (const { shape, data } of file.tensors.values()) {
    if (data.length !== shape.reduce((product, size) => product * size, 1))
      throw new Error('data that does not fit its shape');
  }
  // What was read can be written, and is read the same.
  const again = readSafetensors(writeSafetensors(file.tensors, file.metadata));
  const bits = ({ tensors }) =>
    JSON.stringify(
      [...tensors]
        .map(([name, { dtype, shape, data }]) => [name, dtype, shape, hex(data)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  if (bits(again) !== bits(file)) throw new Error('another file after writing');
}

function hex({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex');
}
