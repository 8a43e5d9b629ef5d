import { escapeText } from './escape';

/** A finished piece of a page. */
export class Html {
  constructor(readonly text: string) {}
}

type Piece = string | number | Html | readonly Html[] | undefined;

/** Everything put in is escaped, but for pieces that are HTML already. */
export function html(texts: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(texts.map((text, i) => text + (i < pieces.length ? textOf(pieces[i]) : '')).join(''));
}

function textOf(piece: Piece): string {
  if (piece === undefined) return '';
  if (piece instanceof Html) return piece.text;
  return typeof piece === 'object' ? piece.map(({ text }) => text).join('\n') : escapeText(String(piece));
}

/** A table's cell: text, or a number of the report with its place in the JSON. */
export type Cell = string | Html | Figure;

/** A row that has only its first cell, and words in place of the others. */
export interface Remark {
  readonly head: readonly Cell[];
  readonly text: string;
}

export interface Figure {
  /** As 'layers/0/formats/int8/weights/sqnrDb'. */
  readonly key: string;
  readonly text: string;
}

export function figure(key: string, text: string): Figure {
  return { key, text };
}

export interface Column {
  readonly name: string;
  /** Numbers are aligned to the right. */
  readonly isNumber?: boolean;
}

export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Cell[] | Remark)[],
): Html {
  const heads = columns.map(({ name, isNumber }) =>
    isNumber ? html`<th scope="col" class="n">${name}</th>` : html`<th scope="col">${name}</th>`,
  );
  const body = rows.map((row) => html`<tr>${rowOf(row, columns)}</tr>`);
  // Named and reachable, so that a keyboard can scroll it.
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${body}
</tbody>
</table></div>`;
}

function rowOf(row: readonly Cell[] | Remark, columns: readonly Column[]): Html[] {
  if (!('head' in row)) return row.map((cell, i) => cellOf(cell, columns[i]!, i === 0));
  const { head, text } = row;
  const cells = head.map((cell, i) => cellOf(cell, columns[i]!, i === 0));
  return [...cells, html`<td colspan="${columns.length - head.length}">${text}</td>`];
}

function cellOf(cell: Cell, { isNumber = false }: Column, isHead: boolean): Html {
  const isFigure = typeof cell === 'object' && !(cell instanceof Html);
  const content = isFigure ? cell.text : cell;
  const key = isFigure ? html` data-key="${cell.key}"` : undefined;
  const kind = isNumber ? html` class="n"` : undefined;
  return isHead ? html`<th scope="row"${kind}${key}>${content}</th>` : html`<td${kind}${key}>${content}</td>`;
}

/** A drawing with its caption. */
export function plot(svg: string, caption: string | Html): Html {
  return html`<figure>${new Html(svg)}<figcaption>${caption}</figcaption></figure>`;
}
