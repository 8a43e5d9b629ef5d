import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { run } from '../../lib/cli/run';
import { encodeNpy } from '../../lib/formats/npy';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { type Layer, linear, MLP, relu } from '../../lib/index';
import { Random } from '../../lib/random';
import { tensor } from '../../lib/tensor';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly stderrIsTTY?: boolean;
  readonly signal?: AbortSignal;
  readonly cwd?: string;
}

/** Runs a command line in this process. */
export async function cli(argv: readonly string[], world: World = {}): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const { env = {}, stderrIsTTY = false, signal, cwd } = world;
  const code = await run(argv, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env,
    stderrIsTTY,
    ...(signal && { signal }),
    ...(cwd !== undefined && { cwd }),
  });
  return { code, stdout, stderr };
}

/** The one JSON object on stdout. */
export function json({ stdout }: Ran): Record<string, never> {
  return JSON.parse(stdout) as Record<string, never>;
}

export const FEATURES = 6;
export const CLASSES = 3;

/** A folder with models and data, removed when the test file has ended. */
export class Folder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'requant-cli-'));

  constructor() {
    afterAll(() => rmSync(this.path, { recursive: true, force: true }));
  }

  at(name: string): string {
    return path.join(this.path, name);
  }

  get names(): string[] {
    return readdirSync(this.path).sort();
  }

  write(name: string, bytes: Uint8Array): string {
    writeFileSync(this.at(name), bytes);
    return this.at(name);
  }

  model(name: string, layers: readonly Layer[] = smallLayers()): string {
    return this.write(name, new MLP(layers, { seed: 7 }).toBytes());
  }

  /** A float checkpoint as PyTorch writes it: no layers, only weights. */
  checkpoint(name: string): string {
    const random = new Random(3);
    const values = (n: number): Float32Array =>
      Float32Array.from({ length: n }, () => random.uniform() - 0.5);
    return this.write(
      name,
      writeSafetensors(
        new Map([
          ['0.weight', tensor(values(8 * FEATURES), [8, FEATURES])],
          ['0.bias', tensor(values(8))],
          ['1.weight', tensor(values(CLASSES * 8), [CLASSES, 8])],
        ]),
        {},
      ),
    );
  }

  rows(name: string, rows: number, features = FEATURES, seed = 1): string {
    return this.write(name, encodeNpy(randomRows(rows, features, seed), [rows, features]));
  }

  labels(name: string, labels: ArrayLike<number>): string {
    return this.write(name, encodeNpy(Int32Array.from(labels), [labels.length]));
  }
}

export function randomRows(rows: number, features = FEATURES, seed = 1): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: rows * features }, () => 2 * random.uniform() - 1);
}

export function smallLayers(outFeatures = CLASSES): Layer[] {
  return [linear({ inFeatures: FEATURES, outFeatures: 8 }), relu(), linear({ inFeatures: 8, outFeatures })];
}

/** argmax of the model's own outputs: labels that it always gets right. */
export function ownLabels(layers: readonly Layer[], rows: Float32Array): number[] {
  using model = new MLP(layers, { seed: 7 });
  const outputs = model.runSync(rows);
  const n = model.outFeatures;
  return Array.from({ length: outputs.length / n }, (_, row) => {
    const values = outputs.subarray(row * n, row * n + n);
    return values.indexOf(Math.max(...values));
  });
}

/** One line `requant: CODE: …`, without a stack. */
export function errorLine(code: string): RegExp {
  return new RegExp(`^requant: ${code}: [^\\n]+\\n$`);
}

/** Three classes that differ in small weights: quantizing loses them. */
export function fragileLayers() {
  const weight = Float32Array.from({ length: 3 * FEATURES }, (_, i) => (i % FEATURES === 0 ? 1 : 0));
  for (let n = 0; n < 3; n++) weight[n * FEATURES + 1 + n] = 1e-3;
  return [linear({ inFeatures: FEATURES, outFeatures: 3, weight, bias: false })];
}
