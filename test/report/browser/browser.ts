import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Debian's; REQUANT_CHROMIUM names another. */
const CANDIDATES = [process.env['REQUANT_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'];

export function launch(): Promise<Browser> {
  const executablePath = CANDIDATES.find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined)
    throw new Error('expected chromium (apt-get install chromium, or REQUANT_CHROMIUM) but found none');
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

export interface Opened {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page said or asked for: nothing is expected. */
  readonly complaints: string[];
}

/** A page from a file, as a user opens it. */
export async function open(
  browser: Browser,
  url: string,
  { width = 1280, scheme = 'light' as 'light' | 'dark' } = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  page.on('request', (request) => {
    if (request.url() !== url) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { context, page, complaints };
}
