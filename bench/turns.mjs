// How long to measure a cell. The turns themselves are those of `requant bench` (lib/timing/turns.ts).
export const NORMAL = { minTurns: 11, maxTurns: 31, burstMs: 2, warmUpMs: 60, cellMs: 2500, slowTurns: 3 };
export const QUICK = { minTurns: 3, maxTurns: 3, burstMs: 0.5, warmUpMs: 5, cellMs: 0, slowTurns: 1 };
