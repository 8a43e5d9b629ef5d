/**
 * Philox-4x32-10, a counter-based generator: four random words from a counter and a key, so that number i of a stream
 * needs none of those before it. Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
 */
export type Words = readonly [number, number, number, number];

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

/** Words are uint32. */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const [low0, high0] = [Math.imul(MULTIPLIERS[0], c0) >>> 0, upperHalf(MULTIPLIERS[0], c0)];
    const [low1, high1] = [Math.imul(MULTIPLIERS[1], c2) >>> 0, upperHalf(MULTIPLIERS[1], c2)];
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL[0]) >>> 0;
    k1 = (k1 + WEYL[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The stream of a seed: word i, i from `first`, each uniform in [0, 2^32). */
export function* randomWords(seed: number, first = 0): Generator<number, never> {
  const key = halves(seed);
  for (let block = Math.floor(first / 4); ; block++) {
    const words = philox([...halves(block), 0, 0], key);
    for (let i = block === Math.floor(first / 4) ? first % 4 : 0; i < 4; i++) yield words[i]!;
  }
}

/** Lower and upper 32 bits of an integer in [0, 2^53). */
function halves(x: number): [number, number] {
  return [x >>> 0, Math.floor(x / 2 ** 32) >>> 0];
}

/** Upper 32 bits of a·b for uint32 a and b: with a split in 16 bits, every product is exact in float64. */
function upperHalf(a: number, b: number): number {
  const low = (a & 0xffff) * b;
  const high = (a >>> 16) * b;
  return Math.floor((high + Math.floor(low / 65536)) / 65536);
}
