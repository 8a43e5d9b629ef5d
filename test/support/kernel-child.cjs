// Runs in a child process with REQUANT_KERNEL set: the jobs on standard input (v8.serialize), through the addon itself.
// Prints { active, digests } or { code, message } as JSON.
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { deserialize } = require('node:v8');
const addon = require('../../build/Release/requant.node');

function run(job) {
  if (job.kind === 'qgemm') {
    const weights = addon.packWeights(job.weights, job.out, job.in, job.zeroPoint);
    return addon.qgemm(job.x, weights, job.xZeroPoint, job.bias, job.requantize, job.scale, job.result);
  }
  if (job.kind === 'requantize') return addon.requantize(job.acc, job.requantize, job.result);
  addon.bindPlan(addon.compilePlan(job.program, 0), false)(job.input, job.result);
  return job.result;
}

function digest(array) {
  return createHash('sha256')
    .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    .digest('hex');
}

try {
  const active = addon.activeKernel();
  const jobs = deserialize(readFileSync(0));
  process.stdout.write(JSON.stringify({ active, digests: jobs.map((job) => digest(run(job))) }));
} catch (error) {
  process.stdout.write(JSON.stringify({ code: error.code, message: error.message }));
}
