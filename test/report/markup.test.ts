import { describe, expect, it } from 'vitest';
import { figure, html, plot, table } from '../../lib/report/markup';

describe('html', () => {
  it('escapes what is put in, but not what is HTML already', () => {
    const inner = html`<b>${'<i>'}</b>`;
    expect(html`<p title="${'"'}">${inner}${undefined}${1}</p>`.text).toBe(
      '<p title="&quot;"><b>&lt;i&gt;</b>1</p>',
    );
    expect(html`<ul>${[inner, inner]}</ul>`.text).toBe('<ul><b>&lt;i&gt;</b>\n<b>&lt;i&gt;</b></ul>');
  });
});

describe('table', () => {
  const columns = [{ name: 'A' }, { name: 'B', isNumber: true }];

  it('has heads for columns and rows, and says where a number stands in the JSON', () => {
    const { text } = table('Caption', columns, [['x', figure('layers/0/y', '1.5')]]);
    expect(text).toContain('<caption>Caption</caption>');
    expect(text).toContain('<th scope="col" class="n">B</th>');
    expect(text).toContain('<th scope="row">x</th>');
    expect(text).toContain('<td class="n" data-key="layers/0/y">1.5</td>');
  });

  it('words in place of numbers', () => {
    const { text } = table('C', columns, [{ head: ['x'], text: 'not <here>' }]);
    expect(text).toContain('<td colspan="1">not &lt;here&gt;</td>');
  });
});

it('a plot has a caption', () => {
  expect(plot('<svg></svg>', 'a < b').text).toBe(
    '<figure><svg></svg><figcaption>a &lt; b</figcaption></figure>',
  );
});
