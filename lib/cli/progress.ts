import { count, plural, rowRate } from './format';
import type { CliProgress } from './outcome';

const BAR_CELLS = 24;
const MIN_INTERVAL_MS = 100;

/** One line of progress on a terminal, drawn over itself. */
export class ProgressBar {
  private step = '';
  private startedAt = 0;
  private doneAtStart = 0;
  private drawnAt = 0;
  private width = 0;

  constructor(
    private readonly stderr: { write(text: string): unknown },
    private readonly env: Readonly<Record<string, string | undefined>>,
  ) {}

  show({ step, done, total, unit, note }: CliProgress): void {
    const now = performance.now();
    if (step !== this.step) Object.assign(this, { step, startedAt: now, doneAtStart: done, drawnAt: 0 });
    if (now - this.drawnAt < MIN_INTERVAL_MS && done !== total) return;
    this.drawnAt = now;
    const rate = unit === undefined ? this.rate(done, now) : '';
    const after = note === undefined ? rate : `  ${note}`;
    this.draw(`${step} `, bar(done, total), ` ${doneText(done, total, unit)}${after}`);
  }

  clear(): void {
    if (this.width > 0) this.stderr.write(`\r${' '.repeat(this.width)}\r`);
    this.width = 0;
  }

  private draw(before: string, cells: string, after: string): void {
    this.clear();
    this.width = before.length + cells.length + after.length;
    const coloured = this.env['NO_COLOR'] ? cells : `\x1b[32m${cells}\x1b[0m`;
    this.stderr.write(`${before}${coloured}${after}`);
  }

  /** Since the first report of the step. */
  private rate(done: number, now: number): string {
    const seconds = (now - this.startedAt) / 1000;
    return seconds > 0 ? `  ${rowRate((done - this.doneAtStart) / seconds)}` : '';
  }
}

function bar(done: number, total: number | undefined): string {
  if (total === undefined) return '';
  const full = Math.min(BAR_CELLS, Math.floor((BAR_CELLS * done) / Math.max(total, 1)));
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_CELLS - full)}]`;
}

function doneText(done: number, total: number | undefined, unit = 'row'): string {
  return total === undefined ? plural(done, unit) : `${count(done)}/${plural(total, unit)}`;
}
