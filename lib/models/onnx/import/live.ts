import type { DraftNode } from './draft';

/** The nodes that the output depends on, in order. */
export function live(nodes: readonly DraftNode[], output: string): DraftNode[] {
  const needed = new Set([output]);
  const kept: DraftNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!needed.has(node.output)) continue;
    kept.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  return kept.reverse();
}
