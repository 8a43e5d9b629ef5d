export { type BatchOptions, batches } from './training/batches';
export type { Dataset } from './training/dataset';
export type { LoopOptions, TrainResult } from './training/job';
export type { Epoch } from './training/loop';
export { type TrainOptions, train } from './training/train';
