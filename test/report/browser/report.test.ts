import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linear, relu } from '../../../lib/index';
import type { Report } from '../../../lib/report/report';
import { chain, expectShown, falling, quickReport, valueAt } from '../support';
import { launch, open } from './browser';

const EVIL = `</title><script>alert(1)</script>"><img src=x onerror=alert(2)>${'long'.repeat(30)}`;
const WIDTHS = [360, 800, 1280];
const folder = mkdtempSync(path.join(tmpdir(), 'requant-report-'));
const reports = new Map<string, Report>();
let browser: Browser;

/** Pages that a user may get: plain, timed with labels, hostile and long names, many layers. */
async function makeReports(): Promise<void> {
  const named = [
    linear({ inFeatures: 12, outFeatures: 5, name: EVIL }),
    relu(),
    linear({ inFeatures: 5, outFeatures: 3, name: 'b' }),
  ];
  const deep = Array.from({ length: 15 }, () => 6);
  reports.set('plain', await quickReport(chain(), { withMethods: true }));
  reports.set(
    'timed',
    await quickReport(chain(), { withLabels: true, withMethods: true, latency: true, date: '2026-11-22' }),
  );
  reports.set('hostile', await quickReport(named, { title: EVIL, withMethods: true }));
  reports.set('deep', await quickReport(chain(deep), { maxLayers: 100 }));
  reports.set('trained', await quickReport(chain(), { withLabels: true, history: falling(40, true) }));
  for (const [name, { html }] of reports) writeFileSync(path.join(folder, `${name}.html`), html);
}

const urlOf = (name: string): string => pathToFileURL(path.join(folder, `${name}.html`)).href;
const NAMES = ['plain', 'timed', 'hostile', 'deep', 'trained'];

beforeAll(async () => {
  [browser] = await Promise.all([launch(), makeReports()]);
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(NAMES)('%s', (name) => {
  it.each(['light', 'dark'] as const)('%s: renders, says nothing, asks for nothing', async (scheme) => {
    const { context, page, complaints } = await open(browser, urlOf(name), { scheme });
    expect(await page.locator('h1').textContent()).toBe(reports.get(name)!.data.title);
    const { layers } = reports.get(name)!.data;
    expect(await page.locator('article').count()).toBe(layers.length);
    await page.evaluate(() => document.fonts.ready);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it.each(WIDTHS)('%i px: nothing sticks out, drawings have a size', async (width) => {
    const { context, page } = await open(browser, urlOf(name), { width });
    expect(await overflow(page)).toEqual([]);
    for (const size of await drawingSizes(page)) {
      expect(size.width).toBeGreaterThan(Math.min(300, width - 80));
      expect(size.height).toBeGreaterThan(40);
      expect(size.shapes).toBeGreaterThan(5);
    }
    await context.close();
  });
});

describe('figures', () => {
  it('in the tables are those of the JSON', async () => {
    for (const [name, { data }] of reports) {
      const { context, page } = await open(browser, urlOf(name));
      const figures = await page.$$eval('[data-key]', (cells) =>
        cells.map((cell) => [cell.getAttribute('data-key')!, cell.textContent!] as const),
      );
      expect(figures.length).toBeGreaterThan(40);
      for (const [key, text] of figures) expectShown(valueAt(data, key), text, `${name} ${key}`);
      await context.close();
    }
  });

  it('histograms draw one bar for each count above 0', async () => {
    const { data } = reports.get('plain')!;
    const { context, page } = await open(browser, urlOf('plain'));
    const bars = await page.$$eval('article svg', (drawings) =>
      drawings.map(
        (svg) => svg.querySelector('path[fill="var(--data)"]')!.getAttribute('d')!.match(/M/g)!.length,
      ),
    );
    const counts = data.layers
      .flatMap(({ weights, activations }) => [weights, activations])
      .map(({ histogram }) => histogram.counts.filter((count) => count > 0).length);
    expect(bars).toEqual(counts);
    await context.close();
  });
});

describe('themes', () => {
  it.each(['light', 'dark'] as const)('%s: text stands out from what is behind it', async (scheme) => {
    const { context, page } = await open(browser, urlOf('timed'), { scheme });
    const poor = (await textColors(page)).filter(({ contrast }) => contrast < 4.5);
    expect(poor).toEqual([]);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(luminance(background) > 0.5).toBe(scheme === 'light');
    await context.close();
  });

  it('paper is white, whatever the screen', async () => {
    const { context, page } = await open(browser, urlOf('timed'), { scheme: 'dark' });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect((await textColors(page)).filter(({ contrast }) => contrast < 4.5)).toEqual([]);
    expect(luminance(await page.evaluate(() => getComputedStyle(document.body).backgroundColor))).toBe(1);
    await context.close();
  });
});

describe('print', () => {
  it.each(NAMES)('%s: a PDF of some pages', async (name) => {
    const { context, page } = await open(browser, urlOf(name));
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString('latin1')).toBe('%PDF-');
    const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)!.length;
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThan(5 + 2 * reports.get(name)!.data.layers.length);
    await context.close();
  });
});

describe('without a mouse', () => {
  it('wide tables can be scrolled by keyboard, and every drawing has a name', async () => {
    const { context, page } = await open(browser, urlOf('timed'), { width: 360 });
    const tables = await page.$$eval('.scroll', (parts) =>
      parts.map((part) => [(part as HTMLElement).tabIndex, part.getAttribute('aria-label') ?? '']),
    );
    expect(tables.length).toBeGreaterThan(4);
    for (const [tabIndex, label] of tables) expect([tabIndex, label === '']).toEqual([0, false]);
    const names = await page.$$eval('svg', (drawings) =>
      drawings.map((svg) => svg.getAttribute('aria-label')),
    );
    for (const name of names) expect(name).toMatch(/\w/);
    expect(new Set(names).size).toBe(names.length);
    await context.close();
  });
});

/** Elements that reach beyond the page, but for what a scrolling box holds. */
function overflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    const wide = [...document.querySelectorAll('body *')].filter(
      (element) => !element.closest('.scroll') && element.getBoundingClientRect().right > clientWidth + 0.5,
    );
    const names = wide.map((element) => `${element.tagName} ${element.textContent?.slice(0, 40)}`);
    return scrollWidth > clientWidth ? [`page ${scrollWidth} > ${clientWidth}`, ...names] : names;
  });
}

function drawingSizes(page: Page): Promise<{ width: number; height: number; shapes: number }[]> {
  return page.$$eval('svg', (drawings) =>
    drawings.map((svg) => {
      const { width, height } = svg.getBoundingClientRect();
      return { width, height, shapes: svg.querySelectorAll('path, text, circle').length };
    }),
  );
}

interface TextColor {
  readonly text: string;
  readonly contrast: number;
}

/** Every text of the page and of its drawings with its contrast to the nearest background. */
async function textColors(page: Page): Promise<TextColor[]> {
  const found = await page.evaluate(() => {
    const opaque = (color: string): boolean => !/^rgba\(.*, 0\)$|^transparent$/.test(color);
    const behind = (element: Element | null): string => {
      for (let at = element; at !== null; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor;
        if (opaque(color)) return color;
      }
      return 'rgb(255, 255, 255)';
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts: { text: string; color: string; background: string }[] = [];
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement!;
      const text = walker.currentNode.textContent!.trim();
      if (text === '' || element.closest('title, style')) continue;
      const style = getComputedStyle(element);
      const color = element.closest('svg') ? style.fill : style.color;
      texts.push({ text: text.slice(0, 30), color, background: behind(element) });
    }
    return texts;
  });
  expect(found.length).toBeGreaterThan(100);
  return found.map(({ text, color, background }) => ({ text, contrast: contrastOf(color, background) }));
}

/** WCAG 2.1: (lighter + .05) / (darker + .05). */
function contrastOf(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Relative luminance of 'rgb(r, g, b)'. */
function luminance(color: string): number {
  const [r, g, b] = color.match(/[\d.]+/g)!.map((value) => {
    const x = Number(value) / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
