import type { Draft, Naming } from '../draft';

/** (x − mean(x)) / sqrt(mean((x − mean(x))²) + epsilon), put together again; undefined where it is something else. */
export function layerNorm(
  draft: Draft,
  centered: string,
  deviation: string,
  { name, source, wish }: Naming,
): string | undefined {
  const center = draft.writer(centered);
  const root = draft.writer(deviation);
  if (center?.op !== 'center' || root?.op !== 'sqrt') return undefined;
  const { base, scale, shift: epsilon } = draft.resolve(root.inputs[0]!);
  const variance = draft.writer(base);
  if (variance?.op !== 'mean' || scale !== 1 || typeof epsilon !== 'number' || !(epsilon >= 0))
    return undefined;
  const square = draft.writer(variance.inputs[0]!);
  if (square?.op !== 'power' || square.exponent !== 2) return undefined;
  const x = center.inputs[0]!;
  const inner = draft.writer(square.inputs[0]!);
  if (inner?.op !== 'center' || inner.inputs[0] !== x) return undefined;
  return draft.add(
    { op: 'layerNorm', name, source, inputs: [x], epsilon, weight: undefined, bias: undefined },
    draft.features.get(x)!,
    wish,
  );
}
