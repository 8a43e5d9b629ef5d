import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatName } from '../fp8/format';
import { ELEMENTWISE_OPS, type ElementwiseName } from '../layers/elementwise';
import type { Format } from '../layers/layer';
import { RESERVED_METADATA } from '../models/encode';
import {
  ACTIVATION_BITS,
  type ActivationBits,
  isActivationBits,
  isWeightBits,
  WEIGHT_BITS,
  type WeightBits,
} from '../quantization/bits';
import { GROUP_SIZES, type GroupSize, isGroupSize } from '../quantization/int4';

/** Of one name, without settings. */
export const ACTIVATIONS = ELEMENTWISE_OPS.filter((op): op is ElementwiseName => op !== 'clip');

/** Parsers for commander: a bad value becomes a usage error that names the option. */
export function finiteNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

export function factor(text: string): number {
  const value = finiteNumber(text);
  if (value === 0) throw new InvalidArgumentError('Expected a number other than 0.');
  return value;
}

export function percentagePoints(text: string): number {
  const value = finiteNumber(text);
  if (value < 0 || value > 100) throw new InvalidArgumentError('Expected percentage points, 0 to 100.');
  return value;
}

export function positiveInteger(text: string): number {
  const value = finiteNumber(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('Expected an integer ≥ 1.');
  return value;
}

export function positiveNumber(text: string): number {
  const value = finiteNumber(text);
  if (value <= 0) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

/** 'a,b,…' → integers in [1, most], each once, in the order given. */
export function integerList(most: number): (text: string) => number[] {
  return (text) => {
    const values = text.split(',').map(positiveInteger);
    if (values.some((value) => value > most)) throw new InvalidArgumentError(`Expected integers ≤ ${most}.`);
    return [...new Set(values)];
  };
}

export function groupSize(text: string): GroupSize {
  const value = finiteNumber(text);
  if (!isGroupSize(value)) throw new InvalidArgumentError(`Expected ${GROUP_SIZES.join(', ')}.`);
  return value;
}

export function weightBits(text: string): WeightBits {
  const value = finiteNumber(text);
  if (!isWeightBits(value)) throw new InvalidArgumentError(`Expected ${WEIGHT_BITS.join(', ')}.`);
  return value;
}

export function activationBits(text: string): ActivationBits {
  const value = finiteNumber(text);
  if (!isActivationBits(value)) throw new InvalidArgumentError(`Expected ${ACTIVATION_BITS.join(', ')}.`);
  return value;
}

const WEIGHT_FORMATS: readonly Format[] = ['int8', 'int4', 'e4m3fn', 'e5m2', 'fp8-search'];

/** A format's name, or '3m4e': 3 bits of mantissa and 4 of exponent. */
export function weightFormat(text: string): Format {
  if (WEIGHT_FORMATS.includes(text as Format)) return text as Format;
  const [, mantissa, exponent] = /^(\d)m(\d)e$/.exec(text)?.map(Number) ?? [];
  if (mantissa === undefined || exponent === undefined || exponent < 1 || mantissa + exponent > 7) {
    throw new InvalidArgumentError(
      `Expected ${WEIGHT_FORMATS.join(', ')}, or <m>m<e>e with an exponent and at most 7 bits, such as 3m4e.`,
    );
  }
  return { mantissa, exponent };
}

/** As `weightFormat` reads it. */
export function formatText(format: Format): string {
  return typeof format === 'object' ? formatName(format) : format;
}

/** Collects key=value of a repeatable option. */
export function keyValue(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected key=value.');
  const key = text.slice(0, at);
  if (RESERVED_METADATA.includes(key)) throw new InvalidArgumentError(`The key '${key}' is the file's own.`);
  return Object.assign(Object.create(null), previous, { [key]: text.slice(at + 1) });
}

export function choice(flags: string, description: string, values: readonly string[]): Option {
  return new Option(flags, description).choices(values);
}

export function addActivation(command: Command): Command {
  return command.addOption(
    choice(
      '--activation <name>',
      'activation between the Linear layers of a safetensors file from elsewhere',
      ACTIVATIONS,
    ),
  );
}

export function addScaleInput(command: Command): Command {
  return command.option(
    '--scale-input <factor>',
    'multiply every input value (0.00392156862745098 takes uint8 pixels to 0…1)',
    factor,
  );
}

export function addJson(command: Command): Command {
  return command.option('--json', 'print one JSON object on stdout and nothing else');
}
