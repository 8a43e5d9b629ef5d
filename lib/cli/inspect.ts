import type { Command } from 'commander';
import { RequantError } from '../errors';
import { readFileBytes } from '../formats/atomic-write';
import { readSafetensors } from '../formats/safetensors';
import type { ElementwiseName } from '../layers/elementwise';
import { tensorsHash } from '../models/encode';
import type { Graph, RecordStep } from '../models/graph';
import { isOnnx, type LoadedGraph, loadGraph } from '../models/load-graph';
import { bytes, count, fields, plural } from './format';
import { loadOptions, sourceOf } from './models';
import { nodeReports, nodeTable, type ValueReport, valueReport, valueText } from './nodes';
import * as option from './options';
import type { Execute, Outcome } from './outcome';

const EXAMPLES = `
Examples:
  requant inspect mnist.int8.safetensors
  requant inspect checkpoint.safetensors --activation relu
  requant inspect mnist.int8.safetensors --json | jq .nodes`;

export function addInspect(program: Command, execute: Execute): void {
  const command = program
    .command('inspect')
    .summary('show what a model file holds, and check it')
    .description('Shows ports, nodes, metadata and record of a model file, and checks its sha256.')
    .argument('<model>', 'model file (.safetensors, .onnx), float or quantized');
  option
    .addJson(option.addActivation(command))
    .addHelpText('after', EXAMPLES)
    .action((model: string, { activation }: { activation?: ElementwiseName }) =>
      execute(() => inspectModel(model, activation)),
    );
}

async function inspectModel(path: string, activation: ElementwiseName | undefined): Promise<Outcome> {
  const file = await readFileBytes(path);
  const loaded = await loadGraph(sourceOf(path, file), loadOptions([file], activation)[0]);
  checkHash(path, loaded);
  const { graph, metadata, sha256 } = loaded;
  const { version, producer }: Origin = isOnnx(file) ? loaded : originOf(file);
  const facts = {
    path,
    kind: graph.kind,
    formatVersion: version ?? null,
    producer: producer ?? null,
    bytes: file.length,
    sha256: sha256 ?? null,
    rounding: graph.kind === 'quantized' ? graph.rounding : null,
    input: valueReport(graph, graph.input),
    output: valueReport(graph, graph.output),
    nodes: nodeReports(graph),
    metadata,
    record: graph.record,
  };
  return { report: { command: 'inspect', ...facts }, text: textOf(facts) };
}

/** `load` skips this to start fast. */
function checkHash(path: string, { sha256, tensors }: LoadedGraph): void {
  if (sha256 === undefined) return;
  const received = tensorsHash(tensors);
  if (received !== sha256)
    throw new RequantError(
      'ERR_FORMAT',
      `expected tensors with sha256 ${sha256} in '${path}' but received ${received}: the file was changed`,
    );
}

interface Origin {
  readonly version?: number;
  readonly producer?: string;
}

/** Both undefined for a checkpoint from elsewhere. */
function originOf(file: Uint8Array): Origin {
  const document = readSafetensors(file).metadata['requant'];
  return document === undefined ? {} : (JSON.parse(document) as Origin);
}

interface Facts {
  readonly path: string;
  readonly kind: Graph['kind'];
  readonly formatVersion: number | null;
  readonly producer: string | null;
  readonly bytes: number;
  readonly sha256: string | null;
  readonly rounding: string | null;
  readonly input: ValueReport;
  readonly output: ValueReport;
  readonly nodes: ReturnType<typeof nodeReports>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly record: readonly RecordStep[];
}

function textOf(facts: Facts): string {
  const { formatVersion, producer, rounding, sha256, metadata, record } = facts;
  return [
    fields([
      ['file', `${facts.path}, ${bytes(facts.bytes)} (${count(facts.bytes)} bytes)`],
      ['kind', rounding === null ? facts.kind : `${facts.kind}, rounding ${rounding}`],
      [
        'made by',
        producer === null
          ? 'unknown (a checkpoint)'
          : `${producer}, ${formatVersion === null ? 'ONNX' : `format version ${formatVersion}`}`,
      ],
      ['sha256', sha256 === null ? 'none in the file' : `${sha256} (checked)`],
      ['input', portText(facts.input)],
      ['output', portText(facts.output)],
    ]),
    nodeTable(facts.nodes),
    section('metadata', Object.entries(metadata)),
    section('record', record.map(recordFields)),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function portText(port: ValueReport): string {
  return `${port.name}, ${plural(port.features, 'feature')}, ${valueText(port)}`;
}

function section(title: string, lines: readonly [string, string][]): string {
  return lines.length === 0 ? '' : `${title}\n${fields(lines)}`;
}

function recordFields({ step, ...rest }: RecordStep): [string, string] {
  return [
    step,
    Object.entries(rest)
      .map(([key, value]) => `${key} ${key === 'history' ? epochsOf(value) : wordOf(value)}`)
      .join(', '),
  ];
}

/** A curve is for `requant report`, and for `--json`. */
function epochsOf(history: unknown): string {
  return Array.isArray(history) ? plural(history.length, 'epoch') : wordOf(history);
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
