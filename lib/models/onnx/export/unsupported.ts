import { RequantError } from '../../../errors';
import { isFp8Weights } from '../../../fp8/grid';
import { activationTable } from '../../activation-table';
import { type CodesValue, codeBounds, type Graph, isCodes, type Node } from '../../graph';

/** What ONNX's own operators cannot say. Errors: ERR_UNSUPPORTED, one that names all such nodes. */
export function checkExportable(graph: Graph): void {
  const problems = graph.nodes.flatMap((node) => {
    const problem = problemOf(node, graph);
    return problem === undefined ? [] : [`'${node.name}' (${problem})`];
  });
  const input = graph.values.get(graph.input)!;
  if (isCodes(input) && input.scale.length > 1 && (input.min ?? input.max) !== undefined)
    problems.push(`'${graph.input}' (a clamp of codes that have a scale a feature)`);
  if (problems.length > 0)
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected a model that ONNX can express but received ${problems.join(', ')}`,
    );
}

function problemOf(node: Node, { values }: Graph): string | undefined {
  if (node.op === 'linear') {
    if (isFp8Weights(node.weight)) return 'float8';
    return node.mode === 'dynamic' && node.weight.format === 'int4'
      ? 'int4 weights with activations that are quantized at run time'
      : undefined;
  }
  if (!('table' in node) || node.table === undefined) return undefined;
  const [from, to] = [node.inputs[0]!, node.output].map((name) => values.get(name) as CodesValue);
  const { min, max } = codeBounds(to!);
  const own = activationTable(node, from!, to!).map((code) => Math.min(Math.max(code, min), max));
  return node.table.every((code, i) => code === own[i])
    ? undefined
    : `a table that is not ${node.op} between its grids`;
}
