import { Absorber } from './absorb';
import type { AffineDraft, DraftNode, LinearDraft } from './draft';
import type { Translation } from './translate';

/** The nodes that the output depends on, in order, with each factor and shift in a linear node. */
export function simplify({ draft, output, budget }: Translation): DraftNode[] {
  return withoutAffine(live(draft.nodes, output), output, new Absorber(draft.features, budget));
}

function live(nodes: readonly DraftNode[], output: string): DraftNode[] {
  const needed = new Set([output]);
  const kept: DraftNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!needed.has(node.output)) continue;
    kept.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  return kept.reverse();
}

function withoutAffine(nodes: readonly DraftNode[], output: string, absorber: Absorber): DraftNode[] {
  /** Nodes by what they write, in order; those that absorb an affine node are replaced. */
  const writers = new Map(nodes.map((node) => [node.output, node]));
  const readers = new Map<string, string[]>();
  for (const node of nodes)
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node.output]);

  const absorbBefore = (node: AffineDraft): boolean => {
    const x = node.inputs[0]!;
    const writer = writers.get(x);
    const isOnly = readers.get(x)!.length === 1 && x !== output;
    if (!isOnly || !(writer?.op === 'linear' || writer?.op === 'layerNorm')) return false;
    writers.delete(x);
    // In the place of the affine node: what the writer reads stands before either.
    writers.set(node.output, absorber.into(writer, node));
    return true;
  };

  const absorbBehind = (node: AffineDraft): boolean => {
    const after = node.output === output ? [] : readers.get(node.output)!.map((name) => writers.get(name)!);
    if (after.length === 0 || !after.every((reader) => reader.op === 'linear')) return false;
    for (const reader of after) writers.set(reader.output, absorber.before(reader as LinearDraft, node));
    const x = node.inputs[0]!;
    readers.set(x, [
      ...readers.get(x)!.filter((name) => name !== node.output),
      ...after.map((reader) => reader.output),
    ]);
    writers.delete(node.output);
    return true;
  };

  for (const node of nodes) {
    if (node.op !== 'affine') continue;
    if (absorbBefore(node) || absorbBehind(node)) continue;
    writers.set(node.output, absorber.diagonal(node));
  }
  return [...writers.values()];
}
