// Tables of the documents that scripts write, between two comments that name the script.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Markdown; the first column left, the others right. */
export function table(head, rows) {
  const edge = [':--', ...head.slice(1).map(() => '--:')];
  return [head, edge, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Puts text between `<!-- name:begin -->` and `<!-- name:end -->` of docs/`document`. */
export function writeResults(document, name, text) {
  const file = fileURLToPath(new URL(`../../docs/${document}`, import.meta.url));
  const before = readFileSync(file, 'utf8');
  const [begin, end] = ['begin', 'end'].map((edge) => `<!-- ${name}:${edge} -->`);
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`expected ${begin} … ${end} in docs/${document}`);
  writeFileSync(file, `${before.slice(0, from)}${begin}\n${text}\n${before.slice(to)}`);
}
