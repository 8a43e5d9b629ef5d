import { allocateBytes, allocateFloats } from '../formats/sizes';
import { Plan, type PlanSettings } from '../runtime/plan';
import { compile, valueNames } from './compile';
import { type CodesValue, type Graph, isCodes } from './graph';

type Visit = (name: string, data: Float32Array) => void;

/** A plan that shows every value of a model, whatever its kind, as real numbers. */
export class Observer {
  private readonly plan: Plan;
  private readonly names: readonly string[];

  /** Errors: as `compile`. */
  constructor(
    private readonly graph: Graph,
    settings: PlanSettings,
  ) {
    this.plan = new Plan(compile(graph, true), settings);
    this.names = valueNames(graph);
  }

  /** Runs rows and shows every value in order, the input first: row-major [rows, features of that value]. Errors: as `runSync`. */
  observe(rows: Float32Array, visit: Visit): void {
    const { values, input, output } = this.graph;
    const count = rows.length / values.get(input)!.features;
    const observed = this.names.map((name) => {
      const value = values.get(name)!;
      const length = count * value.features;
      return isCodes(value) ? allocateBytes(length) : allocateFloats(length);
    });
    this.plan.observe(rows, allocateFloats(count * values.get(output)!.features), observed);
    this.names.forEach((name, i) => {
      const data = observed[i]!;
      visit(name, data instanceof Float32Array ? data : dequantized(data, values.get(name) as CodesValue));
    });
  }

  release(): void {
    this.plan.release();
  }
}

/** fl(s · fl(q − z)); inside a plan the codes of int8 are raised by 128. */
function dequantized(codes: Uint8Array, { scale, zeroPoint, dtype }: CodesValue): Float32Array {
  const zero = zeroPoint + (dtype === 'int8' ? 128 : 0);
  const reals = allocateFloats(codes.length);
  for (let i = 0; i < codes.length; i++) reals[i] = scale[i % scale.length]! * (codes[i]! - zero);
  return reals;
}
