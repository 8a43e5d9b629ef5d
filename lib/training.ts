export { type BatchOptions, batches } from './training/batches';
export type { Dataset } from './training/dataset';
export type { LoopOptions, TrainResult } from './training/job';
export type { Epoch } from './training/loop';
export type { Method as QatMethod } from './training/qat/activations';
export type { TrainedLayer, TrainQuantizedOptions } from './training/qat/options';
export { type TrainQuantizedResult, trainQuantized } from './training/qat/train-quantized';
export type { Schedule } from './training/schedule';
export { type TrainOptions, train } from './training/train';
