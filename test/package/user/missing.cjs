// Where no binary fits: what the error says.
const { kernels } = require('requant/kernels');
try {
  kernels();
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
}
