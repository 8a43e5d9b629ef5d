import { describe, expect, it } from 'vitest';
import { escapeText, shorten } from '../../lib/report/escape';

describe('escapeText', () => {
  it('leaves nothing that opens a tag, ends an attribute or starts an entity', () => {
    expect(escapeText(`</title><script>"x"&'y'`)).toBe(
      '&lt;/title&gt;&lt;script&gt;&quot;x&quot;&amp;&#39;y&#39;',
    );
  });

  it('shows control characters, direction marks and half surrogates', () => {
    expect(escapeText('a\u0000b\u202ec\ud83d')).toBe('a\\u{0}b\\u{202e}c\\u{d83d}');
  });
});

describe('shorten', () => {
  it('cuts between characters, not inside them', () => {
    expect([shorten('fc1', 5), shorten('exactly', 7), shorten('somewhat', 5)]).toEqual([
      'fc1',
      'exactly',
      'some…',
    ]);
    expect(shorten('🎈🎈🎈🎈', 3)).toBe('🎈🎈…');
  });
});
