// Which format for which distribution: the expected error of each at its best largest value, without drawing a number.
// Writes the table of docs/fp8.md; takes some seconds.
//   node examples/fp8/formats.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bestMax, gaussian, learnFormat, studentT, uniform } from 'requant/fp8';

const FORMATS = {
  '2M5E': { mantissa: 2, exponent: 5 },
  '3M4E': { mantissa: 3, exponent: 4 },
  '4M3E': { mantissa: 4, exponent: 3 },
  '5M2E': { mantissa: 5, exponent: 2 },
  INT8: { bits: 8 },
};
const DENSITIES = {
  'U[−1, 1]': uniform(),
  'N(0, 1)': gaussian(),
  'Student t, ν = 8': studentT({ degrees: 8 }),
  'Student t, ν = 5': studentT({ degrees: 5 }),
  'Student t, ν = 2': studentT({ degrees: 2 }),
};

const rows = Object.entries(DENSITIES).map(([name, density]) => {
  const cells = Object.values(FORMATS).map((format) => bestMax(density, format));
  const most = Math.max(...cells.map(({ error }) => error.decibels));
  const texts = cells.map(({ max, error }) => {
    const decibels = error.decibels.toFixed(2);
    return `${error.decibels === most ? `**${decibels}**` : decibels} (${Number(max.toPrecision(4))})`;
  });
  console.error(`${name}: ${texts.join('  ')}`);
  return [name, ...texts];
});
const head = ['', ...Object.keys(FORMATS)];
const table = [head, [':--', ...Object.keys(FORMATS).map(() => '--:')], ...rows]
  .map((row) => `| ${row.join(' | ')} |`)
  .join('\n');

const { mantissa, exponent, max } = await learnFormat(DENSITIES['N(0, 1)']);
const learned = `\`learnFormat\` from 4M3E on N(0, 1): ${mantissa}M${exponent}E, c = ${max.toFixed(3)}.`;

const target = fileURLToPath(new URL('../../docs/fp8.md', import.meta.url));
const [before, after] = readFileSync(target, 'utf8').split(
  /<!-- formats\.mjs:begin -->[\s\S]*<!-- formats\.mjs:end -->/,
);
writeFileSync(
  target,
  `${before}<!-- formats.mjs:begin -->\n${table}\n\n${learned}\n<!-- formats.mjs:end -->${after}`,
);
