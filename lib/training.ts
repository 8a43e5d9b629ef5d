export type { Dataset } from './training/dataset';
export { type TrainOptions, type TrainResult, train } from './training/train';
