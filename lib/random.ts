/**
 * A small seeded generator (xoshiro128**, Blackman & Vigna 2018; state from splitmix32). Integer arithmetic only, so
 * the same seed gives the same numbers everywhere.
 */
export class Random {
  /** What the next numbers follow from. */
  readonly state: Uint32Array;

  constructor(seed: number) {
    this.state = new Uint32Array(4);
    let x = seed >>> 0;
    // Seeds beyond 32 bits count too.
    x = (x ^ Math.imul(Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b1)) >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.state[i] = z ^ (z >>> 16);
    }
  }

  /** A uniform integer in [0, 2^32). */
  next(): number {
    const s = this.state;
    const s1 = s[1]!;
    const scrambled = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= s1 << 9;
    s[3] = rotateLeft(s[3]!, 11);
    return scrambled;
  }

  /** A uniform float32 in [0, 1), a multiple of 2^−24. */
  uniform(): number {
    return (this.next() >>> 8) * 2 ** -24;
  }

  /** A uniform integer in [0, bound), bound ≤ 2^32, without modulo bias. */
  below(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = this.next();
    while (value >= limit) value = this.next();
    return value % bound;
  }

  /** Fisher–Yates, in place. */
  shuffle(items: Uint32Array): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const other = items[j]!;
      items[j] = items[i]!;
      items[i] = other;
    }
  }
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}
