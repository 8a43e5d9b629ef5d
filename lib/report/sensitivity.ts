import { Difference } from '../difference';
import type { LayerQuantization } from '../layers/layer';
import type { MLP } from '../models/mlp';
import { quantize } from '../models/quantize';
import type { Turn } from '../turn';
import { linearNodes, shownLayers } from './layers';
import type { ReportSettings } from './options';
import { outputsOf } from './score';
import { decibelsOf } from './tensors';
import type { ReportSensitivity } from './types';

/** The model's output where one of the shown layers alone is int8, worst first. Errors: as `quantize`; signal.reason. */
export async function measureSensitivity(
  model: MLP,
  rows: Float32Array,
  settings: ReportSettings,
  turn: Turn,
): Promise<ReportSensitivity[]> {
  const reference = await outputsOf(model, rows, turn);
  const shown = shownLayers(model, settings.maxLayers);
  const ranking: ReportSensitivity[] = [];
  for (const { name } of shown) {
    settings.onProgress({ step: 'sensitivity', done: ranking.length, total: shown.length });
    using only = quantize(model, settings.calibration, {
      ...settings.quantize,
      layers: othersFloat(model, name),
    });
    const difference = new Difference();
    difference.add(await outputsOf(only, rows, turn), reference);
    ranking.push({ name, sqnrDb: decibelsOf(difference.result().sqnrDb) });
  }
  return ranking.sort((a, b) => (a.sqnrDb ?? Infinity) - (b.sqnrDb ?? Infinity));
}

function othersFloat({ graph }: MLP, name: string): Readonly<Record<string, LayerQuantization>> {
  const others = linearNodes(graph).filter((node) => node.name !== name);
  return Object.assign(
    Object.create(null) as Record<string, LayerQuantization>,
    Object.fromEntries(others.map((node) => [node.name, { format: 'float32' } as const])),
  );
}
