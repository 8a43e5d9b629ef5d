import { expect } from 'vitest';
import { calibrate, type Layer, MLP } from '../../lib/index';
import type { ReportOptions } from '../../lib/report/options';
import { type Report, report } from '../../lib/report/report';
import { withTraining } from '../../lib/training/history';
import type { Epoch } from '../../lib/training/loop';
import { randomChain } from '../support/models';
import { Seeded } from '../support/random';

export const WIDTHS = [12, 16, 8, 4] as const;

/** Layers with seeded weights; names fc1, fc2, … */
export function chain(widths: readonly number[] = WIDTHS, seed = 5): Layer[] {
  return randomChain(new Seeded(seed), widths);
}

export function normalRows(rows: number, features: number = WIDTHS[0], seed = 9): Float32Array {
  return new Seeded(seed).normals(rows * features);
}

/** The argmax of the model's own outputs: labels that it always gets right. */
export function ownLabels(model: MLP, rows: Float32Array): Uint8Array {
  const outputs = model.runSync(rows);
  const n = model.outFeatures;
  return Uint8Array.from({ length: outputs.length / n }, (_, row) => {
    const values = outputs.subarray(row * n, row * n + n);
    return values.indexOf(Math.max(...values));
  });
}

/** A report without latencies, and with the float model for all methods unless they are asked for: fast, and the same every time. */
export async function quickReport(
  layers: readonly Layer[] = chain(),
  options: Partial<ReportOptions> & {
    withLabels?: boolean;
    withMethods?: boolean;
    /** As if it had been trained. */
    history?: readonly Epoch[];
  } = {},
): Promise<Report> {
  const { graph } = new MLP(layers);
  using model = MLP.fromGraph(
    options.history === undefined ? graph : withTraining(graph, { step: 'train', seed: 1 }, options.history),
  );
  const calibration = await calibrate(model, normalRows(200, model.inFeatures, 1), { method: 'mse' });
  const rows = normalRows(300, model.inFeatures);
  const { withLabels = false, withMethods = false, history: _, ...rest } = options;
  const labels = withLabels ? { labels: ownLabels(model, rows) } : {};
  return await report(model, {
    calibration,
    data: { inputs: rows, ...labels },
    latency: false,
    budget: withMethods ? 600 : 0,
    ...rest,
  });
}

/** A run of so many epochs. */
export function falling(epochs: number, withValidation: boolean): Epoch[] {
  return Array.from({ length: epochs }, (_, i) => ({
    epoch: i + 1,
    loss: 2 / (i + 1),
    accuracy: 1 - 0.5 / (i + 1),
    ...(withValidation && { validationLoss: 2 / (i + 1) + 0.01 * i * i }),
  }));
}

/** The value at 'layers/0/name'. */
export function valueAt(data: object, key: string): unknown {
  return key
    .split('/')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | null)?.[name], data);
}

/** That a text shows a number to the digits it has. */
export function expectShown(value: unknown, text: string, where: string): void {
  if (text === '–') expect([null, undefined], where).toContain(value);
  else if (text === '∞' || text === '∞ dB') expect(value, where).toBeNull();
  else if (text === '< 0.01 %') expect(value, where).toBeLessThan(0.01);
  else {
    const digits = text.replaceAll('−', '-').replace(/,| %| dB/g, '');
    const [, fraction = ''] = /^-?\d+\.?(\d*)$/.exec(digits) ?? [];
    const shown = Number(digits);
    expect(shown, `${where}: ${text}`).not.toBeNaN();
    // Of four digits where it has an exponent, of one unit of the last place elsewhere.
    const unit = digits.includes('e') ? 1e-3 * Math.abs(shown) : 10 ** -fraction.length;
    const error = Math.abs(shown - (value as number));
    expect(error, `${where} is ${value}, shown ${text}`).toBeLessThanOrEqual(0.5001 * unit);
  }
}
