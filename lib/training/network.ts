import { nativeElementwise } from '../layers/elementwise';
import type { ElementwiseNode, Graph, LayerNormNode, LinearNode, Node } from '../models/graph';
import { callNative } from '../runtime/native';

interface Parameters {
  readonly weight: Float32Array;
  readonly bias: Float32Array | undefined;
}

/** Of a layer norm: a parameter that it does not have stays away. */
interface NormParameters {
  readonly weight: Float32Array | undefined;
  readonly bias: Float32Array | undefined;
}

type Visit = (parameter: Float32Array, gradient: Float32Array) => void;

/**
 * A float graph with weights that change: forward keeps every value, backward walks the nodes in reverse and adds up
 * the gradients of each value and parameter. All products run on the float kernels (one chain over k ascending), all
 * else is float32 rounded operation by operation: the same bits everywhere.
 */
export class Network {
  private readonly linears = new Map<LinearNode, Parameters>();
  private readonly norms = new Map<LayerNormNode, NormParameters>();
  private readonly values = new Map<string, Float32Array>();
  private readonly gradients = new Map<string, Float32Array>();
  /** Values whose gradient has been sent something in this backward pass. */
  private readonly begun = new Set<string>();
  /** Of the parameter that is being visited. */
  private scratch = new Float32Array(0);
  private rows = 0;

  constructor(private readonly graph: Graph) {
    for (const node of graph.nodes) {
      if (node.op === 'layerNorm')
        this.norms.set(node, { weight: node.gamma?.slice(), bias: node.beta?.slice() });
      if (node.op !== 'linear') continue;
      const bias = node.bias as Float32Array | undefined;
      this.linears.set(node, { weight: (node.weight.data as Float32Array).slice(), bias: bias?.slice() });
    }
  }

  /** The network's own arrays, named by the value that their node writes, in the order of the nodes. */
  parameters(): [name: string, parameter: Float32Array][] {
    return this.graph.nodes.flatMap((node) => {
      const own = node.op === 'linear' ? this.linears.get(node) : this.norms.get(node as LayerNormNode);
      return Object.entries(own ?? {}).flatMap(([name, values]): [string, Float32Array][] =>
        values === undefined ? [] : [[`${node.output}.${name}`, values]],
      );
    });
  }

  /** The weights of the Linear nodes in order, the network's own arrays. */
  linearWeights(): Float32Array[] {
    return [...this.linears.values()].map(({ weight }) => weight);
  }

  /** What the last `forward` gave this value. */
  valueOf(name: string): Float32Array {
    return this.value(name);
  }

  /** After `backward`: the gradient of this value. */
  gradientOf(name: string): Float32Array {
    return this.received(name);
  }

  /** The graph with the weights as they are now. */
  snapshot(): Graph {
    const nodes = this.graph.nodes.map((node): Node => {
      if (node.op === 'layerNorm') return snapshotNorm(node, this.norms.get(node)!);
      const own = node.op === 'linear' ? this.linears.get(node) : undefined;
      if (own === undefined || node.op !== 'linear') return node;
      return {
        ...node,
        weight: { format: 'float32', data: own.weight.slice() },
        ...(own.bias && { bias: own.bias.slice() }),
      };
    });
    return { ...this.graph, nodes };
  }

  /** Runs rows; returns the value named `output`. Arrays are reused by the next call with as many rows. */
  forward(input: Float32Array, output: string): Float32Array {
    const rows = input.length / this.features(this.graph.input);
    if (rows !== this.rows) {
      this.values.clear();
      this.gradients.clear();
      this.rows = rows;
    }
    this.values.set(this.graph.input, input);
    for (const node of this.graph.nodes) {
      this.forwardNode(node);
      if (node.output === output) break;
    }
    return this.value(output);
  }

  /**
   * Gradients of all parameters from the gradient of value `output`; `visit` gets each parameter with its gradient, which
   * lives until it returns.
   */
  backward(output: string, gradient: Float32Array, visit: Visit): void {
    this.begun.clear();
    this.send(output, (out) => out.set(gradient));
    const start = this.graph.nodes.findIndex((node) => node.output === output);
    for (let i = start; i >= 0; i--) this.backwardNode(this.graph.nodes[i]!, visit);
  }

  private forwardNode(node: Node): void {
    const y = this.value(node.output);
    const x = this.value(node.inputs[0]!);
    switch (node.op) {
      case 'linear':
        this.forwardLinear(node, x, y);
        break;
      case 'add':
        addInto(y, x, this.value(node.inputs[1]!));
        break;
      case 'concat':
        this.eachBranch(node, (input, column, features) =>
          copyColumns(this.value(input), 0, features, y, column, this.features(node.output), features),
        );
        break;
      case 'layerNorm': {
        const { weight, bias } = this.norms.get(node)!;
        callNative((addon) => addon.layerNorm(x, this.features(node.output), node.epsilon, weight, bias, y));
        break;
      }
      case 'softmax':
      case 'logSoftmax':
        callNative((addon) => addon.softmax(x, this.features(node.output), node.op === 'logSoftmax', y));
        break;
      default: {
        const { name, a, b } = nativeElementwise(
          node.op as ElementwiseNode['op'],
          (node as ElementwiseNode).attributes,
        );
        callNative((addon) => addon.elementwise(name, a, b, x, y));
      }
    }
  }

  private forwardLinear(node: LinearNode, x: Float32Array, y: Float32Array): void {
    const { weight, bias } = this.linears.get(node)!;
    const [n, k] = [this.features(node.output), this.features(node.inputs[0]!)];
    callNative((addon) => addon.floatProduct(x, weight, this.rows, n, k, false, false, y, bias));
  }

  private backwardNode(node: Node, visit: Visit): void {
    const dy = this.received(node.output);
    const input = node.inputs[0]!;
    switch (node.op) {
      case 'linear':
        this.backwardLinear(node, dy, visit);
        break;
      case 'add':
        for (const name of node.inputs) this.send(name, (dx) => dx.set(dy));
        break;
      case 'concat':
        this.eachBranch(node, (name, column, features) =>
          this.send(name, (dx) =>
            copyColumns(dy, column, this.features(node.output), dx, 0, features, features),
          ),
        );
        break;
      case 'layerNorm':
        this.backwardNorm(node, dy, visit);
        break;
      case 'softmax':
      case 'logSoftmax': {
        const { op } = node;
        this.send(input, (dx) =>
          rowFunctionGradient(op, this.value(node.output), dy, this.features(node.output), dx),
        );
        break;
      }
      default: {
        const { name, a, b } = nativeElementwise(
          node.op as ElementwiseNode['op'],
          (node as ElementwiseNode).attributes,
        );
        this.send(input, (dx) =>
          callNative((addon) => addon.elementwiseGradient(name, a, b, this.value(input), dy, dx)),
        );
      }
    }
  }

  /** dW = dYᵀ·X, db = Σ dY, dX = dY·W, with W before its update. */
  private backwardLinear(node: LinearNode, dy: Float32Array, visit: Visit): void {
    const { weight, bias } = this.linears.get(node)!;
    const input = node.inputs[0]!;
    const [n, k, rows] = [this.features(node.output), this.features(input), this.rows];
    this.send(input, (dx) =>
      callNative((addon) => addon.floatProduct(dy, weight, rows, k, n, false, true, dx)),
    );
    const x = this.value(input);
    this.visitGradient(weight, visit, (dw) =>
      callNative((addon) => addon.floatProduct(dy, x, n, k, rows, true, true, dw)),
    );
    if (bias !== undefined) this.visitGradient(bias, visit, (db) => sumColumns(dy, n, db));
  }

  /** dγ = Σ dY·x̂, dβ = Σ dY over the rows; dX in native/training/layer_norm.h. */
  private backwardNorm(node: LayerNormNode, dy: Float32Array, visit: Visit): void {
    const { weight, bias } = this.norms.get(node)!;
    const n = this.features(node.output);
    const input = node.inputs[0]!;
    const x = this.value(input);
    const { epsilon } = node;
    this.send(input, (dx) => callNative((addon) => addon.layerNormGradient(x, n, epsilon, weight, dy, dx)));
    if (weight !== undefined) {
      const normalized = callNative((addon) =>
        addon.layerNorm(x, n, epsilon, undefined, undefined, new Float32Array(dy.length)),
      );
      for (let i = 0; i < normalized.length; i++) normalized[i]! *= dy[i]!;
      this.visitGradient(weight, visit, (dw) => sumColumns(normalized, n, dw));
    }
    if (bias !== undefined) this.visitGradient(bias, visit, (db) => sumColumns(dy, n, db));
  }

  /** Adds to the gradient of a value what `write` gives: the first reader writes in place. Nobody needs the input's. */
  private send(name: string, write: (dx: Float32Array) => void): void {
    if (name === this.graph.input) return;
    const sum = this.array(this.gradients, name);
    if (this.begun.has(name)) {
      const term = new Float32Array(sum.length);
      write(term);
      addInto(sum, sum, term);
    } else {
      write(sum);
      this.begun.add(name);
    }
  }

  /** The sum of what was sent: 0 for a value that nobody reads. */
  private received(name: string): Float32Array {
    const sum = this.array(this.gradients, name);
    if (!this.begun.has(name)) sum.fill(0);
    return sum;
  }

  private visitGradient(parameter: Float32Array, visit: Visit, write: (g: Float32Array) => void): void {
    if (this.scratch.length < parameter.length) this.scratch = new Float32Array(parameter.length);
    const gradient = this.scratch.subarray(0, parameter.length);
    write(gradient);
    visit(parameter, gradient);
  }

  private eachBranch(node: Node, visit: (input: string, column: number, features: number) => void): void {
    let column = 0;
    for (const input of node.inputs) {
      const features = this.features(input);
      visit(input, column, features);
      column += features;
    }
  }

  private features(value: string): number {
    return this.graph.values.get(value)!.features;
  }

  private value(name: string): Float32Array {
    return this.array(this.values, name);
  }

  private array(arrays: Map<string, Float32Array>, name: string): Float32Array {
    let array = arrays.get(name);
    if (array === undefined) {
      array = new Float32Array(this.rows * this.features(name));
      arrays.set(name, array);
    }
    return array;
  }
}

function snapshotNorm(node: LayerNormNode, { weight, bias }: NormParameters): LayerNormNode {
  return { ...node, ...(weight && { gamma: weight.slice() }), ...(bias && { beta: bias.slice() }) };
}

function addInto(out: Float32Array, a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! + b[i]!;
}

export function sumColumns(matrix: Float32Array, columns: number, out: Float32Array): void {
  callNative((addon) => addon.columnSums(matrix, columns, out));
}

export function copyColumns(
  from: Float32Array,
  fromColumn: number,
  fromWidth: number,
  to: Float32Array,
  toColumn: number,
  toWidth: number,
  width: number,
): void {
  const rows = from.length / fromWidth;
  for (let r = 0; r < rows; r++) {
    to.set(
      from.subarray(r * fromWidth + fromColumn, r * fromWidth + fromColumn + width),
      r * toWidth + toColumn,
    );
  }
}

/** softmax: dx = y·(dy − Σ dy·y). logSoftmax: dx = dy − exp(y)·Σ dy, exp(y) being softmax(y). */
export function rowFunctionGradient(
  op: 'softmax' | 'logSoftmax',
  y: Float32Array,
  dy: Float32Array,
  features: number,
  dx: Float32Array,
): void {
  const p =
    op === 'softmax'
      ? y
      : callNative((addon) => addon.softmax(y, features, false, new Float32Array(y.length)));
  for (let i = 0; i < y.length; i += features) {
    let sum = 0;
    for (let c = i; c < i + features; c++) sum += op === 'softmax' ? dy[c]! * y[c]! : dy[c]!;
    for (let c = i; c < i + features; c++)
      dx[c] = op === 'softmax' ? y[c]! * (dy[c]! - sum) : dy[c]! - p[c]! * sum;
  }
}
