import type { Model } from '../../models/model';
import { quantile, ratioSpread, type Spread, sorted } from '../../timing/statistics';
import { type Contender, type Effort, type Timed, takeTurns } from '../../timing/turns';
import type { Context } from '../outcome';
import { type Onnxruntime, OrtModel } from './onnxruntime';
import type { Subject } from './subject';

export const CONTENDERS = ['int8', 'float32', 'onnxruntime'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** Of one contender in one cell, in microseconds a call. */
export interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly rowsPerSecond: number;
  readonly samples: number;
}

/** One number of threads with one number of rows a call. */
export interface Cell {
  readonly threads: number;
  readonly batch: number;
  readonly turns: number;
  readonly contenders: { readonly [N in ContenderName]?: Measured };
  /** The other's time over int8's, turn by turn: > 1 means that int8 is faster. */
  readonly ratios: { readonly float32?: Spread; readonly onnxruntime?: Spread };
}

export interface CellsRequest {
  readonly subject: Subject;
  readonly onnxruntime: Onnxruntime | undefined;
  readonly threads: readonly number[];
  readonly batches: readonly number[];
  readonly seconds: number;
}

/** Why onnxruntime was not measured; told once. */
type OnLeftOut = (reason: string) => void;

interface Named extends Contender {
  readonly name: ContenderName;
}

/** Errors: `signal.reason`, and those of the models. */
export async function measureCells(
  request: CellsRequest,
  context: Context,
  onLeftOut: OnLeftOut,
): Promise<Cell[]> {
  const { subject, threads: threadCounts, batches, seconds } = request;
  const cells: Cell[] = [];
  const total = threadCounts.length * batches.length;
  for (const threads of threadCounts) {
    const { float32, int8 } = await subject.forms(threads);
    const ort = float32 && (await startOrt(request, float32.graph, threads, onLeftOut));
    try {
      for (const batch of batches) {
        const contenders = await contendersOf({ float32, int8, ort }, subject.rows(batch), onLeftOut);
        const step = `cell ${cells.length + 1}/${total}, batch ${batch}, threads ${threads}`;
        const timed = await takeTurns(contenders, effortOf(seconds), {
          spins: ort !== undefined && threads > 1,
          signal: context.signal,
          onTurn: (done, turns) => context.onProgress({ step, done, total: turns, unit: 'turn' }),
        });
        cells.push(cellOf(timed, threads, batch));
      }
    } finally {
      await ort?.dispose();
      for (const model of [float32, int8]) model?.dispose();
    }
  }
  return cells;
}

function effortOf(seconds: number): Effort {
  const cellMs = 1000 * seconds;
  return {
    minTurns: 3,
    maxTurns: 1000,
    burstMs: Math.min(2, cellMs / 10),
    warmUpMs: Math.min(60, cellMs / 10),
    cellMs,
    slowTurns: 3,
  };
}

async function startOrt(
  { onnxruntime }: CellsRequest,
  graph: Parameters<typeof OrtModel.make>[1],
  threads: number,
  onLeftOut: OnLeftOut,
): Promise<OrtModel | undefined> {
  if (onnxruntime === undefined) return undefined;
  try {
    return await OrtModel.make(onnxruntime, graph, threads);
  } catch (error) {
    onLeftOut(String(error));
    return undefined;
  }
}

interface Models {
  readonly float32: Model | undefined;
  readonly int8: Model | undefined;
  readonly ort: OrtModel | undefined;
}

/** Calls on the same rows, into arrays that are kept. */
async function contendersOf(
  { float32, int8, ort }: Models,
  rows: Float32Array,
  onLeftOut: OnLeftOut,
): Promise<Named[]> {
  const own = (
    [
      ['int8', int8],
      ['float32', float32],
    ] as const
  ).flatMap(([name, model]): Named[] => {
    if (model === undefined) return [];
    const output = model.runSync(rows);
    return [{ name, isAsync: false, call: () => model.runSync(rows, output) }];
  });
  if (ort === undefined || float32 === undefined) return own;
  try {
    return [
      ...own,
      { name: 'onnxruntime', isAsync: true, call: await ort.bind(rows, float32.runSync(rows)) },
    ];
  } catch (error) {
    onLeftOut(String(error));
    return own;
  }
}

function cellOf(timed: readonly Timed<Named>[], threads: number, batch: number): Cell {
  const bursts = new Map(timed.map(({ contender, bursts }) => [contender.name, bursts]));
  const ratio = (name: ContenderName) => ratioSpread(bursts.get(name) ?? [], bursts.get('int8') ?? []);
  const [float32, onnxruntime] = [ratio('float32'), ratio('onnxruntime')];
  return {
    threads,
    batch,
    turns: timed[0]!.bursts.length,
    contenders: Object.fromEntries(timed.map((t) => [t.contender.name, measuredOf(t, batch)])),
    ratios: { ...(float32 && { float32 }), ...(onnxruntime && { onnxruntime }) },
  };
}

function measuredOf({ samples }: Timed<Named>, batch: number): Measured {
  const list = sorted(samples);
  const [p50, p99] = [0.5, 0.99].map((share) => 1000 * quantile(list, share)!);
  return { p50: p50!, p99: p99!, rowsPerSecond: batch / (p50! / 1e6), samples: list.length };
}
