// What the demo must show, from its JSON line: node check-demo.mjs FILE
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const demo = JSON.parse(readFileSync(process.argv[2], 'utf8'));
assert.ok(
  demo.floatAccuracy - demo.int8Accuracy <= 0.001,
  'int8 accuracy within .1 percentage point of float',
);
assert.ok(demo.agreement >= 0.995, 'agreement of at least 99.5 %');
assert.ok(demo.int8Bytes <= 0.27 * demo.floatBytes, 'file of at most 27 % of the float file');
for (const micros of [demo.floatMicros, demo.int8Micros])
  assert.ok(micros[1] > 0 && micros[128] > 0, 'latencies');
console.log('demo: accuracy, agreement and size hold');
