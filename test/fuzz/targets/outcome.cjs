// What a target may end with: a result, or a RequantError of a code that the documentation of the function names.
const { RequantError } = require('../build/requant/dist/errors.js');

/** The result of `action`, or undefined where it was refused with one of these codes. Anything else is a finding. */
exports.accept = function accept(codes, action) {
  try {
    return action();
  } catch (error) {
    refused(codes, error);
  }
};

exports.acceptAsync = async function acceptAsync(codes, action) {
  try {
    return await action();
  } catch (error) {
    refused(codes, error);
  }
};

function refused(codes, error) {
  if (!(error instanceof RequantError)) throw error;
  if (!codes.includes(error.code)) throw new Error(`undocumented code ${error.code}`, { cause: error });
  if (!/received|cannot/.test(error.message))
    throw new Error('a message that does not say what was received', { cause: error });
}

/** Two arrays of the same bits. */
exports.sameBits = function sameBits(what, a, b) {
  const bytes = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);
  if (!bytes(a).equals(bytes(b))) throw new Error(`${what}: expected the same bits`);
};
