export { MicroBatcher } from './serving/micro-batcher';
export type { BatchReport, MicroBatcherOptions } from './serving/options';
export type { BatcherStats } from './serving/stats';
