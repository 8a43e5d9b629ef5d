export type { Dataset } from './training/dataset';
export type { IntegerRecipe } from './training/integer/recipe';
export { type TrainIntegerOptions, trainInteger } from './training/integer/train-integer';
export type { LoopOptions, TrainResult } from './training/job';
export type { Epoch } from './training/loop';
export { type TrainOptions, train } from './training/train';
