// node scripts/report-pictures.mjs: trains the demo's model, makes its report (build/report.html), and the pictures of
// docs/report.md from it. Needs chromium (apt-get install chromium, or REQUANT_CHROMIUM).
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { calibrate, linear, MLP, relu } from 'requant';
import { report } from 'requant/report';
import { train } from 'requant/training';
import { CLASSES, mnist, PIXELS } from '../examples/mnist/mnist.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = `${root}build/report.html`;
const CALIBRATION_ROWS = 1000;

/** Parts of the page: from one heading to the end of another's section. */
const PICTURES = [
  { name: 'report-summary', scheme: 'light', from: 'header', to: 'section[aria-labelledby=advice]' },
  { name: 'report-methods', scheme: 'light', from: 'section[aria-labelledby=methods]' },
  { name: 'report-layers', scheme: 'light', from: 'section[aria-labelledby=layers]' },
  { name: 'report-histograms', scheme: 'dark', from: 'section[aria-labelledby=tensors] article' },
];

async function demoModel() {
  const layers = [
    linear({ inFeatures: PIXELS, outFeatures: 256 }),
    relu(),
    linear({ inFeatures: 256, outFeatures: 128 }),
    relu(),
    linear({ inFeatures: 128, outFeatures: CLASSES }),
  ];
  const optimizer = { type: 'adam', learningRate: 0.001 };
  const { model } = await train(new MLP(layers, { seed: 1 }), mnist('train'), {
    epochs: 8,
    batchSize: 128,
    optimizer,
  });
  return model;
}

async function demoReport() {
  const model = await demoModel();
  const calibration = await calibrate(model, mnist('train').inputs.subarray(0, CALIBRATION_ROWS * PIXELS));
  const { inputs, targets: labels } = mnist('t10k');
  return report(model, { calibration, data: { inputs, labels }, title: 'MNIST 784-256-128-10' });
}

/** What encloses two elements, with a margin. */
async function areaOf(tab, from, to = from) {
  const [a, b] = await Promise.all([from, to].map((part) => tab.locator(part).first().boundingBox()));
  const margin = 12;
  const [x, y] = [Math.max(Math.min(a.x, b.x) - margin, 0), Math.max(a.y - margin, 0)];
  const width = Math.max(a.x + a.width, b.x + b.width) + margin - x;
  return { x, y, width, height: b.y + b.height + margin - y };
}

const { html } = await demoReport();
writeFileSync(page, html);
mkdirSync(`${root}docs/images`, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env['REQUANT_CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  for (const { name, scheme, from, to } of PICTURES) {
    const tab = await browser.newPage({ viewport: { width: 1100, height: 800 }, colorScheme: scheme });
    await tab.goto(pathToFileURL(page).href);
    const path = `${root}docs/images/${name}.png`;
    await tab.screenshot({ path, fullPage: true, clip: await areaOf(tab, from, to) });
    await tab.close();
    console.log(path);
  }
} finally {
  await browser.close();
}
