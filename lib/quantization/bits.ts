/** Bits that symmetric int8 weights may have; each takes a byte all the same. */
export const WEIGHT_BITS = [2, 3, 4, 8] as const;
export type WeightBits = (typeof WEIGHT_BITS)[number];

export function isWeightBits(value: unknown): value is WeightBits {
  return (WEIGHT_BITS as readonly unknown[]).includes(value);
}

/** Bits that the codes of activations may have. */
export const ACTIVATION_BITS = [4, 8] as const;
export type ActivationBits = (typeof ACTIVATION_BITS)[number];

export function isActivationBits(value: unknown): value is ActivationBits {
  return (ACTIVATION_BITS as readonly unknown[]).includes(value);
}

/** The largest code of symmetric weights: 2^(bits − 1) − 1. */
export function maxWeightCode(bits: WeightBits): number {
  return 2 ** (bits - 1) - 1;
}
