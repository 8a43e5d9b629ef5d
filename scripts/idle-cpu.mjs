// CPU time that the pool's sleeping threads take: node scripts/idle-cpu.mjs [seconds]. Goal: below .1 % of one CPU.
import { setTimeout as wait } from 'node:timers/promises';
import { linear, MLP } from 'requant';

const seconds = Number(process.argv[2] ?? 10);
const model = new MLP([linear({ inFeatures: 1024, outFeatures: 1024 })]);
const rows = new Float32Array(1024 * 1024);

async function share() {
  const before = process.cpuUsage();
  await wait(seconds * 1000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (seconds * 1e4);
}

const without = await share();
model.runSync(rows);
await model.run(rows);
await wait(100);
const withPool = await share();
console.log(
  `CPU while idle: ${without.toFixed(3)} % before the first run, ${withPool.toFixed(3)} % with the pool asleep`,
);
