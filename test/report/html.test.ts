import { beforeAll, describe, expect, it } from 'vitest';
import { linear, relu } from '../../lib/index';
import { renderPage } from '../../lib/report/html';
import * as plots from '../../lib/report/plots';
import type { Report } from '../../lib/report/report';
import { chain, expectShown, falling, quickReport, valueAt } from './support';

let made: Report;

beforeAll(async () => {
  made = await quickReport(chain(), {
    withLabels: true,
    withMethods: true,
    title: 'Test',
    date: '2026-11-22',
  });
});

describe('the page', () => {
  it('is one file: no script, no link, no address, a policy that forbids them', () => {
    const { html } = made;
    expect(html.startsWith('<!doctype html>\n<html lang="en">')).toBe(true);
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/<(script|link|img|iframe|object|embed|image|use|foreignObject)\b/i);
    expect(html.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
      /https?:|\burl\((?!#)|@import|href=/,
    );
  });

  it('every id is there once, and what refers to one finds it', () => {
    const ids = [...made.html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(5);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of made.html.matchAll(/(?:url\(#|aria-labelledby=")([^")]+)/g))
      expect(ids).toContain(id);
  });

  it('every drawing has a size and a name', () => {
    const drawings = [...made.html.matchAll(/<svg [^>]*>/g)].map(([tag]) => tag);
    // Two about the layers, three of each layer, one about sizes; nothing was timed.
    expect(drawings).toHaveLength(1 + 2 + 3 * 3);
    for (const tag of drawings)
      expect(tag).toMatch(/ width="\d+" height="\d+" viewBox="0 0 \d+ \d+" role="img" aria-label="[^"]+"/);
  });

  it('numbers in tables are those of the JSON', () => {
    const figures = [...made.html.matchAll(/data-key="([^"]+)">([^<]*)</g)];
    expect(figures.length).toBeGreaterThan(60);
    for (const [, key, text] of figures) expectShown(valueAt(made.data, key!), text!, key!);
  });

  it('the same for the same data', async () => {
    const again = await quickReport(chain(), {
      withLabels: true,
      withMethods: true,
      title: 'Test',
      date: '2026-11-22',
    });
    expect(again.data).toEqual(made.data);
    expect(again.html).toBe(made.html);
  });
});

describe('training', () => {
  it('has curves and figures where the record tells of one', async () => {
    const { html, data } = await quickReport(chain(), { history: falling(8, true) });
    expect(data.training).toEqual([
      { step: 'train', epochs: expect.objectContaining({ length: 8 }) as unknown },
    ]);
    expect(data.training[0]!.epochs[7]).toEqual({
      epoch: 8,
      loss: 0.25,
      accuracy: 93.75,
      validationLoss: 0.74,
    });
    expect(html.match(/aria-label="(Loss|Accuracy) by epoch"/g)).toHaveLength(2);
    const rows = [...html.matchAll(/data-key="(training\/[^"]+)">([^<]*)</g)];
    // The first epoch, the one of the least validation loss, the last.
    expect(rows.filter(([, key]) => key!.endsWith('/epoch')).map(([, , text]) => text)).toEqual([
      '1',
      '5',
      '8',
    ]);
    for (const [, key, text] of rows) expectShown(valueAt(data, key!), text!, key!);
    // The record beside the ranges does without the curve.
    expect(html).toContain('seed 1<');
  });

  it('of one epoch, and without accuracy and validation', async () => {
    const { html } = await quickReport(chain(), { history: [{ epoch: 1, loss: 3 }] });
    expect(html.match(/aria-label="[^"]+ by epoch"/g)).toHaveLength(1);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('is left out where nothing is known', () => {
    expect(made.data.training).toEqual([]);
    expect(made.html).not.toContain('id="training"');
  });
});

describe('hostile names', () => {
  const evil = '</title><script>alert(1)</script>" onload="x\' {a|b} \u202e\u0000';

  it('stay text in the page and in the drawings', async () => {
    const layers = [
      linear({ inFeatures: 12, outFeatures: 5, name: evil }),
      relu(),
      linear({ inFeatures: 5, outFeatures: 3, name: ']]><svg onload=alert(2)>' }),
    ];
    const { html, data } = await quickReport(layers, { title: evil, date: evil, withMethods: true });
    expect(data.layers[0]!.name).toBe(evil);
    expect(html).not.toMatch(/<script|\u202e|\0/);
    for (const [tag] of html.matchAll(/<[a-z][^<>]*>/gi))
      expect(tag.replace(/"[^"]*"/g, '')).not.toMatch(/\son/i);
    expect(html.match(/<svg\b/g)).toHaveLength(1 + 2 + 3 * 2);
    expect(html).not.toContain(']]>');
    // Tags are balanced: nothing broke out of an element.
    const page = html.replace(/^<!doctype html>\n/, '').replace(/<style>[\s\S]*?<\/style>/, '');
    const open: string[] = [];
    for (const [tag, close, name] of page.matchAll(/<(\/?)([a-zA-Z]\w*)(?:\s[^<>]*)?>/g)) {
      if (name === 'meta') continue;
      if (close === '') open.push(name!);
      else expect(open.pop(), tag).toBe(name);
    }
    expect(open).toEqual([]);
  });
});

it('a format that the model cannot have says why', () => {
  const { data } = made;
  const failed = {
    format: 'e4m3fn',
    unavailable: { code: 'ERR_UNSUPPORTED', message: 'expected <x>' },
    accuracy: null,
    agreement: null,
    sqnrDb: null,
    bytes: 0,
    latency: null,
  } as const;
  const page = renderPage({ ...data, summary: [data.summary[0]!, data.summary[1]!, failed] }, plots);
  expect(page).toContain('not available: ERR_UNSUPPORTED, expected &lt;x&gt;');
});
