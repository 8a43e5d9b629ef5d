import { type Html, html } from '../markup';
import type { ReportAdvice } from '../types';

const LEVELS: Readonly<Record<ReportAdvice['level'], string>> = {
  good: 'Good',
  hint: 'Try',
  problem: 'Loss',
};

export function adviceSection(advice: readonly ReportAdvice[]): Html {
  return html`<section aria-labelledby="advice">
<h2 id="advice">What to try next</h2>
<ul class="advice">
${advice.map(
  ({ level, text, command }) =>
    html`<li class="${level}"><b>${LEVELS[level]}</b><div>${text}${command === undefined ? undefined : html` <code>${command}</code>`}</div></li>`,
)}
</ul>
</section>`;
}
