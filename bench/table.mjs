// Results as a Markdown table, one row a cell; columns of peers that were not asked for are left out.

const number = (x, digits) => (x === undefined ? '–' : x.toFixed(digits));
/** Three significant digits. */
const short = (x) => (x === undefined ? '–' : x >= 100 ? x.toFixed(0) : x.toFixed(x >= 10 ? 1 : 2));
const times = ({ median, q1, q3 } = {}) =>
  median === undefined ? '–' : `${short(median)} (${short(q1)}–${short(q3)})`;

const FORM_NAMES = {
  qdq: 'QDQ',
  qgemm: 'QGemm',
  matMulIntegerToFloat: 'MMI2F',
  dynamicQuantizeMatMul: 'DQMM',
};

const micros = (name) => (cell) => short(cell.contenders[name]?.p50);
const withForm = (name) => (cell) => {
  const { p50, form } = cell.contenders[name] ?? {};
  return p50 === undefined ? '–' : `${short(p50)} ${FORM_NAMES[form]}`;
};
const ratio = (name) => (cell) => times(cell.ratios[name]);

/** Header, width, text of a cell, and the peer that it needs. */
const COLUMNS = [
  ['model', 14, (cell) => cell.model],
  ['batch', 5, (cell) => String(cell.batch)],
  ['threads', 7, (cell) => String(cell.threads)],
  ['int8 µs', 8, micros('int8')],
  ['p99', 8, (cell) => short(cell.contenders.int8.p99)],
  ['rows/s', 9, (cell) => number(cell.contenders.int8.rowsPerSecond, 0)],
  ['GMAC/s', 6, (cell) => number(cell.contenders.int8.gmacs, 1)],
  ['% peak', 6, (cell) => number(cell.contenders.int8.percentOfPeak, 0)],
  ['codes µs', 8, micros('int8Codes')],
  ['f32 µs', 8, micros('float32')],
  ['ORT int8 µs', 13, withForm('ortInt8'), 'ort'],
  ['ORT codes µs', 13, withForm('ortInt8Codes'), 'ort'],
  ['ORT f32 µs', 10, micros('ortFloat32'), 'ort'],
  ['tfjs µs', 8, micros('tfjs'), 'tfjs'],
  ['JS µs', 8, micros('javascript'), 'js'],
  ['× ORT int8', 18, ratio('int8VsOrtInt8'), 'ort'],
  ['codes × ORT codes', 18, ratio('codesVsOrtInt8Codes'), 'ort'],
  ['× ORT f32', 18, ratio('int8VsOrtFloat32'), 'ort'],
  ['× own f32', 18, ratio('int8VsFloat32')],
  ['f32 × ORT f32', 18, ratio('float32VsOrtFloat32'), 'ort'],
];

export function tableOf(peers) {
  const columns = COLUMNS.filter(([, , , peer]) => peer === undefined || peers.includes(peer));
  const line = (texts) =>
    `| ${texts.map((text, i) => (i === 0 ? text.padEnd(columns[i][1]) : text.padStart(columns[i][1]))).join(' | ')} |`;
  return {
    header: `${line(columns.map(([title]) => title))}\n|${columns
      .map(([, width], i) => (i === 0 ? `:${'-'.repeat(width + 1)}` : `${'-'.repeat(width + 1)}:`))
      .join('|')}|`,
    row: (cell) => line(columns.map(([, , text]) => text(cell))),
  };
}
