import { type Html, html } from '../markup';

const TERMS: readonly (readonly [term: string, meaning: string])[] = [
  [
    'SQNR',
    'Signal to quantization noise, 10·log10(Σ float² / Σ (float − x)²) in decibels. 20 dB: the error is a tenth of the signal; 40 dB: a hundredth. ∞: nothing differs.',
  ],
  ['Cosine', 'Σ float·x / √(Σ float² · Σ x²): 1 where the values point the same way, whatever their size.'],
  ['Same class', 'Rows whose largest output is the float model’s.'],
  [
    'Rounding error, clipping error',
    'Mean squares, in squared units of the values: of the distance to the nearest number of the grid for values inside its range, and to its end for those beyond. Together they are all the error. A wider range clips less and rounds more.',
  ],
  ['Saturated', 'Values beyond the ends of the grid, which become its lowest or highest number.'],
  [
    'Sensitivity',
    'The SQNR of the model’s output where one layer alone is int8 and the others stay float32.',
  ],
];

export function termsSection(): Html {
  return html`<section aria-labelledby="terms">
<h2 id="terms">How to read it</h2>
<dl>
${TERMS.map(([term, meaning]) => html`<dt>${term}</dt><dd>${meaning}</dd>`)}
</dl>
</section>`;
}
