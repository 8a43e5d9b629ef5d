import type { Model, Port, Rows, RunOptions, SaveOptions, Stage } from '../../lib/index';

/** A run that waits for the test to let it go on. */
export interface HeldRun {
  readonly rows: number;
  readonly signal: AbortSignal | undefined;
  release(): void;
  fail(error: unknown): void;
}

/** A model whose `run` waits until the test releases it, so that tests decide what happens while a batch runs. */
export class HeldModel implements Model {
  readonly held: HeldRun[] = [];
  readonly kind: 'float' | 'quantized';
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly input: Port;
  readonly output: Port;
  readonly metadata: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];

  constructor(private readonly model: Model) {
    ({
      kind: this.kind,
      inFeatures: this.inFeatures,
      outFeatures: this.outFeatures,
      input: this.input,
      output: this.output,
      metadata: this.metadata,
      stages: this.stages,
    } = model);
  }

  runSync(input: Rows): Float32Array;
  runSync<O extends Rows>(input: Rows, output: O): O;
  runSync(input: Rows, output?: Rows): Rows {
    return output === undefined ? this.model.runSync(input) : this.model.runSync(input, output);
  }

  run(input: Rows, options?: RunOptions): Promise<Float32Array>;
  run<O extends Rows>(input: Rows, options: RunOptions & { output: O }): Promise<O>;
  run(input: Rows, options: RunOptions & { output?: Rows } = {}): Promise<Rows> {
    const copy = input.slice();
    const { signal, output } = options;
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.held.push({
        rows: input.length / this.inFeatures,
        signal,
        release: () => {
          try {
            resolve(output === undefined ? this.model.runSync(copy) : this.model.runSync(copy, output));
          } catch (error) {
            reject(error);
          }
        },
        fail: reject,
      });
    });
  }

  releaseAll(): void {
    for (const run of this.held.splice(0)) run.release();
  }

  save(path: string | URL, options?: SaveOptions): Promise<void> {
    return this.model.save(path, options);
  }

  toBytes(options?: SaveOptions): Uint8Array {
    return this.model.toBytes(options);
  }

  dispose(): void {
    this.model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
