/**
 * The page's style sheet. Colours are variables, which the drawings use too: one set for light, one for dark, and paper
 * is light. Contrast of text is at least 4.5 : 1 (tested in a browser).
 */
export const CSS = `
:root {
  color-scheme: light dark;
  --page: #f4f6f8; --surface: #ffffff; --ink: #18202b; --muted: #55606e; --line: #dde2e8;
  --data: #8b97a6; --accent: #0f766e; --int8: #2563eb; --fp8: #c2410c;
  --good: #15803d; --hint: #1d4ed8; --problem: #b91c1c; --code: #eef1f4;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0e1217; --surface: #161c24; --ink: #e6eaf0; --muted: #a3aebb; --line: #2b3440;
    --data: #5f6d7d; --accent: #4fd1c5; --int8: #6ea8fe; --fp8: #fb923c;
    --good: #4ade80; --hint: #7db4ff; --problem: #f98080; --code: #232b36;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 16px; }
header { padding-top: 28px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 0 0 10px; }
h3 { font-size: 16px; margin: 22px 0 8px; }
small, .note, figcaption, header p { color: var(--muted); }
small { font-weight: normal; font-size: 13px; }
p { margin: 6px 0; }
header p { margin: 2px 0; font-size: 14px; }
section {
  background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 18px; margin: 18px 0;
}
.note { font-size: 13px; }
.tiles {
  list-style: none; padding: 0; margin: 0 0 14px; display: grid; gap: 10px;
  grid-template-columns: repeat(auto-fit, minmax(170px, 1fr));
}
.tiles li { border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; }
.tiles strong { display: block; font-size: 24px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--muted); font-size: 13px; }
.advice { list-style: none; padding: 0; margin: 0; }
.advice li { display: flex; gap: 12px; padding: 7px 0; border-top: 1px solid var(--line); }
.advice li:first-child { border-top: 0; }
.advice b { flex: 0 0 46px; }
.advice .good b { color: var(--good); }
.advice .hint b { color: var(--hint); }
.advice .problem b { color: var(--problem); }
code { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; background: var(--code); border-radius: 4px; padding: 1px 5px; }
.plots { display: grid; gap: 10px 20px; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); }
figure { margin: 6px 0; break-inside: avoid; min-width: 0; }
figure svg { display: block; width: 100%; max-width: 530px; height: auto; }
figcaption { font-size: 13px; }
figcaption b { color: var(--ink); }
.legend { display: block; }
.legend span { display: inline-block; margin-right: 14px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px; }
.legend .int8 { background: var(--int8); }
.legend .e4m3fn { background: var(--fp8); }
.scroll { overflow-x: auto; margin: 10px 0; }
.scroll:focus-visible { outline: 2px solid var(--hint); }
table { border-collapse: collapse; width: 100%; font-size: 14px; overflow-wrap: normal; }
caption { text-align: left; color: var(--muted); font-size: 13px; padding: 4px 0; }
th, td { text-align: left; padding: 5px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--muted); font-weight: 600; font-size: 13px; white-space: nowrap; }
tbody th { font-weight: 500; min-width: 3em; max-width: 22em; overflow-wrap: anywhere; }
td { max-width: 34em; }
td:not(.n) { min-width: 7em; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr { break-inside: avoid; }
dl { margin: 0; }
dt { font-weight: 600; margin-top: 8px; }
dd { margin: 0; color: var(--muted); }
footer { padding-bottom: 32px; color: var(--muted); font-size: 13px; }
@media print {
  :root { color-scheme: light; }
  @page { margin: 14mm; }
  body { background: #fff; font-size: 11pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  main, header, footer { max-width: none; padding: 0; }
  section { border: 0; border-radius: 0; padding: 0; }
  article, .tiles li, .advice li { break-inside: avoid; }
  h2, h3, caption, thead { break-after: avoid; }
  .plots { grid-template-columns: 1fr 1fr; }
  .scroll { overflow: visible; }
  table { font-size: 9pt; }
}
`;
