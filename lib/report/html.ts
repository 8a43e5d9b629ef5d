import { count, plural } from '../words';
import { CSS } from './css';
import type { Plots } from './drawings';
import { Html, html } from './markup';
import { adviceSection } from './sections/advice';
import { calibrationSection } from './sections/calibration';
import { detailSections, layersSection } from './sections/layers';
import { methodsSection } from './sections/methods';
import { pruningSection } from './sections/pruning';
import { summarySection } from './sections/summary';
import { termsSection } from './sections/terms';
import { trainingSection } from './sections/training';
import type { ReportData } from './types';

/** No script, no image, nothing from elsewhere: also said to the browser. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** The whole page: one file that needs nothing else. */
export function renderPage(data: ReportData, plots: Plots): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${data.title} – requant report</title>
<style>${new Html(CSS)}</style>
</head>
<body>
${head(data)}
<main>
${summarySection(data)}
${adviceSection(data.advice)}
${methodsSection(data, plots)}
${layersSection(data, plots)}
${detailSections(data, plots)}
${pruningSection(data, plots)}
${trainingSection(data, plots)}
${calibrationSection(data.calibration)}
${termsSection()}
</main>
${foot(data)}
</body>
</html>
`;
  return page.text;
}

function head({ title, date, model, producer }: ReportData): Html {
  const { inFeatures, outFeatures, layers, parameters } = model;
  return html`<header>
<h1>${title}</h1>
<p>${count(inFeatures)} features in, ${count(outFeatures)} out; ${plural(layers, 'Linear layer')}, ${plural(parameters, 'parameter')}${date === null ? undefined : html`; <time>${date}</time>`}</p>
<p>requant ${producer.requant}, kernel ${producer.kernel}, Node ${producer.node}</p>
</header>`;
}

function foot({ notes, model }: ReportData): Html {
  return html`<footer>
${notes.map((note) => html`<p>${note}</p>`)}
<p>Operators: ${model.operators.join(', ')}.</p>
</footer>`;
}
