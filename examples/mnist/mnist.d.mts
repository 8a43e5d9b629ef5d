export const PIXELS: 784;
export const CLASSES: 10;
export function mnist(split: 'train' | 't10k'): { inputs: Float32Array; targets: Uint8Array };
export function predictions(outputs: Float32Array, classes?: number): Uint8Array;
export function agreement(a: Uint8Array, b: Uint8Array): number;
