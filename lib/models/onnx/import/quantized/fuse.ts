import { clampBounds } from '../../../../layers/elementwise';
import { sameGrid } from '../../../graph';
import { clampGrid } from '../../../quantize/grids';
import type { ConversionDraft, DraftNode, ElementwiseDraft, LinearDraft } from '../draft';
import { live } from '../live';
import type { CodesGrid } from './constants';

type Bounds = readonly [low: number, high: number];

/** Nodes that can write codes of any grid, clamped. */
const WRITERS: readonly DraftNode['op'][] = ['linear', 'add', 'concat', 'softmax', 'logSoftmax', 'layerNorm'];

export interface Quantized {
  readonly nodes: readonly DraftNode[];
  readonly output: string;
  /** Of the values that hold codes. */
  readonly grids: ReadonlyMap<string, CodesGrid>;
}

/** How the file says that a node works, by its name: a linear node of another mode does not become a static one. */
export type ModeOf = (node: string) => LinearDraft['mode'] | 'float';

/**
 * Makes conversions a part of their neighbours: what reads a dequantized value reads the codes, what is quantized at once is
 * written as codes, clamps between become bounds of them, and a linear node with integers on both sides is a static one.
 * ONNX Runtime rewrites such graphs in the same way.
 */
export function fuse(
  nodes: readonly DraftNode[],
  input: string,
  output: string,
  grids: ReadonlyMap<string, CodesGrid>,
  modeOf: ModeOf,
): Quantized {
  const fusion = new Fusion(nodes, input, output, grids, modeOf);
  fusion.run();
  return fusion;
}

class Fusion implements Quantized {
  readonly grids: Map<string, CodesGrid>;
  private readonly writers: Map<string, DraftNode>;
  private readonly readers = new Map<string, DraftNode[]>();

  constructor(
    nodes: readonly DraftNode[],
    private readonly input: string,
    public output: string,
    grids: ReadonlyMap<string, CodesGrid>,
    private readonly modeOf: ModeOf,
  ) {
    this.grids = new Map(grids);
    this.writers = new Map(nodes.map((node) => [node.output, node]));
  }

  get nodes(): readonly DraftNode[] {
    return live([...this.writers.values()], this.output);
  }

  run(): void {
    for (const node of [...this.writers.values()]) this.writers.set(node.output, this.readCodes(node));
    for (const node of this.nodes) {
      for (const name of node.inputs) this.readers.set(name, [...(this.readers.get(name) ?? []), node]);
    }
    for (const { output } of this.nodes) {
      const node = this.writers.get(output);
      if (node?.op === 'quantize' && !node.isStep) this.writeCodes(node);
    }
    for (const { output } of this.nodes) {
      const node = this.writers.get(output);
      if (node !== undefined && this.isClampOfCodes(node)) this.clampCodes(node);
    }
    this.inputAsCodes();
  }

  /** What reads a dequantized value reads the codes instead. */
  private readCodes(node: DraftNode): DraftNode {
    if (node.op === 'linear') return this.staticLinear(node);
    const reads = WRITERS.includes(node.op) || 'attributes' in node;
    if (!reads) return node;
    const inputs = node.inputs.map((name) => {
      const codes = this.codesBehind(name);
      return codes !== undefined && this.grids.get(codes)!.scale.length === 1 ? codes : name;
    });
    return { ...node, inputs };
  }

  private codesBehind(name: string): string | undefined {
    const writer = this.writers.get(name);
    return writer?.op === 'dequantize' && !writer.isStep ? writer.inputs[0]! : undefined;
  }

  private staticLinear(node: LinearDraft): DraftNode {
    const wished = this.modeOf(node.name);
    const codes = this.codesBehind(node.inputs[0]!);
    const { integer } = node;
    const isStatic = codes !== undefined && integer !== undefined && integer.format !== 'int4';
    if (node.mode !== undefined || !isStatic || (wished !== undefined && wished !== 'static')) return node;
    return { ...node, inputs: [codes], mode: 'static' };
  }

  /** The node in front of a quantize node, through clamps, writes its codes. */
  private writeCodes(quantize: ConversionDraft): void {
    const bounds: Bounds[] = [];
    const behind: DraftNode[] = [quantize];
    let writer = this.onlyWriter(quantize.inputs[0]!);
    while (writer !== undefined && this.isClampOfFloats(writer)) {
      bounds.unshift(this.clampOf(writer)!);
      behind.push(writer);
      writer = this.onlyWriter(writer.inputs[0]!);
    }
    if (writer !== undefined && this.canWrite(writer)) {
      this.replace(writer, quantize.output, behind);
      this.clamp(quantize.output, bounds);
      return;
    }
    const last = this.onlyWriter(quantize.inputs[0]!);
    if (last !== undefined && 'attributes' in last) this.replace(last, quantize.output, [quantize]);
    else if (last?.op === 'dequantize') this.skipRoundTrip(last, quantize);
  }

  /** codes → float32 → the same codes */
  private skipRoundTrip(dequantize: ConversionDraft, quantize: ConversionDraft): void {
    const from = dequantize.inputs[0]!;
    if (!this.isSameGrid(from, quantize.output)) return;
    for (const node of [dequantize, quantize]) this.writers.delete(node.output);
    this.readers.set(
      from,
      this.readers.get(from)!.filter((reader) => reader !== dequantize),
    );
    this.rename(quantize.output, from);
  }

  private canWrite(node: DraftNode): boolean {
    return node.op === 'linear' ? node.mode === 'static' : WRITERS.includes(node.op);
  }

  private clampOf(node: DraftNode): Bounds | undefined {
    return 'attributes' in node ? clampBounds(node.op, node.attributes) : undefined;
  }

  /** With a node of its own in front. */
  private isClampOfFloats(node: DraftNode): boolean {
    const x = node.inputs[0]!;
    return this.clampOf(node) !== undefined && !this.grids.has(x) && this.onlyWriter(x) !== undefined;
  }

  private isClampOfCodes(node: DraftNode): node is ElementwiseDraft {
    return this.clampOf(node) !== undefined && this.isSameGrid(node.inputs[0]!, node.output);
  }

  /** A clamp between codes of one grid: bounds of what alone writes them. */
  private clampCodes(node: ElementwiseDraft): void {
    const [from] = node.inputs;
    const writer = this.onlyWriter(from!);
    if (writer === undefined || !this.canWrite(writer)) return;
    const grid = this.grids.get(from!)!;
    this.replace(writer, node.output, [node]);
    this.grids.set(node.output, grid);
    this.clamp(node.output, [this.clampOf(node)!]);
  }

  private clamp(name: string, bounds: readonly Bounds[]): void {
    if (bounds.length === 0) return;
    const { min, max, ...grid } = this.grids.get(name)!;
    const clamped = clampGrid({ ...grid, features: 1 }, bounds);
    const low = Math.max(min ?? Number.NEGATIVE_INFINITY, clamped.min ?? Number.NEGATIVE_INFINITY);
    const high = Math.min(max ?? Number.POSITIVE_INFINITY, clamped.max ?? Number.POSITIVE_INFINITY);
    this.grids.set(name, {
      ...grid,
      ...(Number.isFinite(low) && { min: low }),
      ...(Number.isFinite(high) && { max: high }),
    });
  }

  /** A model's input takes float32 and codes alike. */
  private inputAsCodes(): void {
    const readers = (this.readers.get(this.input) ?? []).filter(
      (node) => this.writers.get(node.output) === node,
    );
    const [quantize, ...others] = readers;
    if (quantize?.op !== 'quantize' || others.length > 0 || quantize.isStep || this.output === this.input)
      return;
    this.grids.set(this.input, this.grids.get(quantize.output)!);
    this.rename(quantize.output, this.input);
    this.writers.delete(quantize.output);
  }

  /** What writes a value that one node reads, and nobody else. */
  private onlyWriter(name: string): DraftNode | undefined {
    return this.readers.get(name)?.length === 1 && name !== this.output ? this.writers.get(name) : undefined;
  }

  /** `node` writes `output`, in the place of the last of those `behind` it. */
  private replace(node: DraftNode, output: string, behind: readonly DraftNode[]): void {
    this.writers.delete(node.output);
    for (const one of behind) if (one.output !== output) this.writers.delete(one.output);
    const written = { ...node, output };
    this.writers.set(output, written);
    for (const name of node.inputs) this.exchange(name, node, written);
  }

  private exchange(name: string, old: DraftNode, now: DraftNode): void {
    this.readers.set(
      name,
      (this.readers.get(name) ?? []).map((reader) => (reader === old ? now : reader)),
    );
  }

  /** Everybody who reads `old` reads `now`. */
  private rename(old: string, now: string): void {
    for (const reader of this.readers.get(old) ?? []) {
      const current = this.writers.get(reader.output);
      if (current === undefined) continue;
      const changed = { ...current, inputs: current.inputs.map((name) => (name === old ? now : name)) };
      this.writers.set(current.output, changed);
      for (const name of new Set(changed.inputs)) this.exchange(name, current, changed);
      this.readers.set(now, [...(this.readers.get(now) ?? []), changed]);
    }
    if (this.output === old) this.output = now;
  }

  private isSameGrid(a: string, b: string): boolean {
    const [x, y] = [this.grids.get(a), this.grids.get(b)];
    return x !== undefined && y !== undefined && sameGrid({ ...x, features: 1 }, { ...y, features: 1 });
  }
}
