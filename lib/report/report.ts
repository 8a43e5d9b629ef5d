import { expected } from '../errors';
import { MLP } from '../models/mlp';
import { type Peer, withPeer } from '../peer';
import { reportData } from './data';
import type { Plots } from './drawings';
import { renderPage } from './html';
import { type ReportOptions, reportSettings } from './options';
import type { ReportData } from './types';

const ECHARTS: Peer = { name: 'echarts', users: 'the plots of a report' };

/** A page for people and what stands in it for programs. */
export interface Report {
  /** One file: no script, nothing loaded from elsewhere. */
  readonly html: string;
  readonly data: ReportData;
}

/**
 * Measures a float model beside its int8 and FP8 forms and other methods, layer by layer, and draws a page of it: SQNR
 * and accuracy, size and latency, histograms with the grids, which layer costs most, and what to try next in words.
 *
 * A format that the model cannot have is shown with its reason. Values are sampled with `seed`; all but the latencies is
 * the same for the same input. Some seconds for a model of a million weights; the event loop gets its turns.
 *
 * Errors: ERR_MODEL_KIND (not a float MLP), ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE (options), ERR_NAN_INPUT (rows), ERR_PEER
 * (the package echarts is not installed), ERR_MEMORY; an abort rejects with `signal.reason`.
 */
export async function report(model: MLP, options: ReportOptions): Promise<Report> {
  if (!(model instanceof MLP)) throw expected('ERR_MODEL_KIND', 'a float MLP', model);
  const settings = reportSettings(options);
  // First: without it the measures would be in vain.
  const plots: Plots = await withPeer(ECHARTS, () => import('./plots/index.js'));
  const data = await reportData(model, settings);
  settings.onProgress({ step: 'draw', done: 0 });
  return { html: renderPage(data, plots), data };
}
