import { clampBounds } from '../../../../layers/elementwise';
import type { Draft, ElementwiseDraft, Naming } from '../draft';
import { type Affine, compose, isNear, ratio } from '../factor';
import { polynomial } from './polynomial';

/** q = a·f(…) + b of numbers a and b, where f is written by a node of one operator. */
interface Scaled<N> {
  readonly node: N;
  readonly a: number;
  readonly b: number;
}

/** p·q as an activation, where q is its gate: SiLU, HardSwish, both GELU. Undefined where it is something else. */
export function gated(draft: Draft, p: string, q: string, naming: Naming): string | undefined {
  return (
    silu(draft, p, q, naming) ??
    hardSwish(draft, p, q, naming) ??
    gelu(draft, p, q, naming) ??
    geluTanh(draft, p, q, naming)
  );
}

function scaled(draft: Draft, q: string): Scaled<NonNullable<ReturnType<Draft['writer']>>> | undefined {
  const { base, scale: a, shift: b } = draft.resolve(q);
  const node = draft.writer(base);
  if (node === undefined || typeof a !== 'number' || typeof b !== 'number') return undefined;
  return { node, a, b };
}

/** factor·f(z). */
function activation(
  draft: Draft,
  f: Pick<ElementwiseDraft, 'op' | 'attributes'>,
  z: string,
  factor: number,
  naming: Naming,
): string {
  const { name, source, wish } = naming;
  const y = draft.add({ ...f, name, source, inputs: [z] }, draft.features.get(z)!, wish);
  return draft.affine(y, snapped(factor), 0, naming);
}

/** The value of an affine form: `known` where it is that one. */
function valueOrKnown(
  draft: Draft,
  { base, scale, shift }: Affine,
  known: { value: string; k: number },
  naming: Naming,
): string {
  if (isNear(known.k, 1)) return known.value;
  return draft.affine(base, typeof scale === 'number' ? snapped(scale) : scale, shift, naming);
}

/** √½·√2 in float32 is not quite 1: what is next to a multiple of ½ is meant to be it. */
function snapped(factor: number): number {
  const nice = Math.round(2 * factor) / 2;
  return isNear(factor, nice) ? nice : factor;
}

/** p·sigmoid(u) with p = k·u is k·silu(u). */
function silu(draft: Draft, p: string, q: string, naming: Naming): string | undefined {
  const gate = scaled(draft, q);
  if (gate?.node.op !== 'sigmoid' || gate.b !== 0) return undefined;
  const u = gate.node.inputs[0]!;
  const k = ratio(draft.resolve(p), draft.resolve(u));
  return k === undefined
    ? undefined
    : activation(draft, { op: 'silu', attributes: {} }, u, k * gate.a, naming);
}

/** p·m·clip(z/6 + ½, 0, 1) with p = k·z is k·m·hardSwish(z). */
function hardSwish(draft: Draft, p: string, q: string, naming: Naming): string | undefined {
  const gate = scaled(draft, q);
  if (gate === undefined || gate.b !== 0) return undefined;
  const { node, a } = gate;
  const bounds = clampBounds(node.op, 'attributes' in node ? node.attributes : {});
  let m = 1;
  let inner: Affine;
  if (node.op === 'hardSigmoid') {
    inner = compose(
      draft.resolve(node.inputs[0]!),
      node.attributes['alpha'] as number,
      node.attributes['beta'] as number,
    );
  } else if (bounds?.[0] === 0 && Number.isFinite(bounds[1]) && bounds[1] > 0) {
    m = bounds[1];
    inner = compose(draft.resolve(node.inputs[0]!), 1 / m, 0);
  } else return undefined;
  const z = compose(inner, 6, -3);
  const k = ratio(draft.resolve(p), z);
  if (k === undefined) return undefined;
  const value = valueOrKnown(draft, z, { value: p, k }, naming);
  return activation(draft, { op: 'hardSwish', attributes: {} }, value, k * m * a, naming);
}

/** p·(a + a·erf(u)) with p = k·u is √2·k·a·gelu(√2·u): gelu(z) = ½z(1 + erf(z/√2)). */
function gelu(draft: Draft, p: string, q: string, naming: Naming): string | undefined {
  const gate = scaled(draft, q);
  if (gate?.node.op !== 'erf' || !isNear(gate.a, gate.b)) return undefined;
  const z = compose(draft.resolve(gate.node.inputs[0]!), Math.SQRT2, 0);
  const k = ratio(draft.resolve(p), z);
  if (k === undefined) return undefined;
  const value = valueOrKnown(draft, z, { value: p, k }, naming);
  return activation(
    draft,
    { op: 'gelu', attributes: { approximate: 'none' } },
    value,
    2 * k * gate.a,
    naming,
  );
}

const CUBIC = 0.044715;
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const LOOSE = 1e-4;

/** p·(a + a·tanh(√(2/π)·(x + 0.044715·x³))) with p = k·x is 2·k·a·gelu(x) in its tanh form. */
function geluTanh(draft: Draft, p: string, q: string, naming: Naming): string | undefined {
  const gate = scaled(draft, q);
  if (gate?.node.op !== 'tanh' || !isNear(gate.a, gate.b)) return undefined;
  const found = polynomial(draft, gate.node.inputs[0]!);
  if (found === undefined) return undefined;
  const { variable, coefficients } = found;
  const [c0, c1, c2, c3] = coefficients;
  const fits =
    c0 === 0 && c2 === 0 && isNear(c1, SQRT_2_OVER_PI, LOOSE) && isNear(c3, CUBIC * SQRT_2_OVER_PI, LOOSE);
  const k = ratio(draft.resolve(p), draft.resolve(variable));
  if (!fits || k === undefined) return undefined;
  return activation(
    draft,
    { op: 'gelu', attributes: { approximate: 'tanh' } },
    variable,
    2 * k * gate.a,
    naming,
  );
}
