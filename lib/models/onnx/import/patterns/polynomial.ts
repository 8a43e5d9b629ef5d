import type { Draft } from '../draft';
import { ratio } from '../factor';

/** Of degree 3: c0 + c1·x + c2·x² + c3·x³. */
export type Coefficients = readonly [number, number, number, number];

export interface Polynomial {
  readonly variable: string;
  readonly coefficients: Coefficients;
}

/** x³ + x and the like: a few steps. */
const MAX_STEPS = 16;

/** A value as a polynomial of another one, whatever the order of its sums, products and powers. */
export function polynomial(draft: Draft, value: string): Polynomial | undefined {
  const variable = findVariable(draft, value);
  if (variable === undefined) return undefined;
  let steps = 0;

  function walk(name: string): Coefficients | undefined {
    const k = ratio(draft.resolve(name), draft.resolve(variable!));
    if (k !== undefined) return [0, k, 0, 0];
    if (++steps > MAX_STEPS) return undefined;
    const node = draft.writer(name);
    if (node === undefined) return undefined;
    const inputs = node.inputs.map(walk);
    const [a, b] = inputs;
    if (a === undefined || inputs.includes(undefined)) return undefined;
    switch (node.op) {
      case 'affine': {
        const { scale, shift } = node;
        return typeof scale === 'number' && typeof shift === 'number'
          ? add(multiply([scale, 0, 0, 0], a)!, [shift, 0, 0, 0])
          : undefined;
      }
      case 'add':
        return add(a, b!);
      case 'multiply':
        return multiply(a, b!);
      case 'power':
        return node.exponent === 2 ? multiply(a, a) : cube(a);
      default:
        return undefined;
    }
  }

  const coefficients = walk(value);
  return coefficients && { variable, coefficients };
}

/** The value that is multiplied by itself first. */
function findVariable(draft: Draft, value: string): string | undefined {
  const pending = [value];
  let found: string | undefined;
  for (let steps = 0; pending.length > 0 && steps < MAX_STEPS; steps++) {
    const node = draft.writer(pending.pop()!);
    if (node === undefined || !['affine', 'add', 'multiply', 'power'].includes(node.op)) continue;
    if (node.op === 'power') found = node.inputs[0]!;
    pending.push(...node.inputs);
  }
  return found;
}

function add(a: Coefficients, b: Coefficients): Coefficients {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];
}

/** Undefined above degree 3. */
function multiply(a: Coefficients, b: Coefficients): Coefficients | undefined {
  const result: [number, number, number, number] = [0, 0, 0, 0];
  for (let i = 0; i <= 3; i++) {
    for (let j = 0; j <= 3; j++) {
      const term = a[i]! * b[j]!;
      if (term === 0) continue;
      if (i + j > 3) return undefined;
      result[i + j] = result[i + j]! + term;
    }
  }
  return result;
}

function cube(a: Coefficients): Coefficients | undefined {
  const square = multiply(a, a);
  return square && multiply(square, a);
}
