import path from 'node:path';
import type { Command } from 'commander';
import { readFileBytes, writeFileAtomically } from '../formats/atomic-write';
import type { ElementwiseName } from '../layers/elementwise';
import { load } from '../models/load';
import type { GraphModel } from '../models/model';
import { onnxExport } from '../models/onnx/peer';
import { bytes, count, fields, plural } from './format';
import { checkOutputPath, loadOptions } from './models';
import * as option from './options';
import { type Context, type Execute, type Outcome, UsageError } from './outcome';

interface Flags {
  readonly opset?: number;
  readonly activation?: ElementwiseName;
}

const EXAMPLES = `
Examples:
  requant convert mnist.int8.safetensors mnist.int8.onnx
  requant convert mnist.onnx mnist.safetensors
  requant convert checkpoint.safetensors mnist.onnx --activation relu --opset 20`;

export function addConvert(program: Command, execute: Execute): void {
  const command = program
    .command('convert')
    .summary('write a model in another format: .onnx or .safetensors')
    .description(
      'Reads a model, float or quantized, and writes it in the format that the output file is named after.',
    )
    .argument('<in>', 'model file; its content says of which format')
    .argument('<out>', 'where to write: .onnx or .safetensors')
    .option(
      '--opset <n>',
      "version of ONNX's operators, 7 to 23 (default: 17, or 21 for int4 weights)",
      option.positiveInteger,
    );
  option
    .addJson(option.addActivation(command))
    .addHelpText('after', EXAMPLES)
    .action((input: string, output: string, flags: Flags) =>
      execute((context) => convertModel(input, output, flags, context)),
    );
}

async function convertModel(
  input: string,
  output: string,
  { opset, activation }: Flags,
  { signal }: Context,
): Promise<Outcome> {
  const format = formatOf(output);
  if (opset !== undefined && format !== 'onnx')
    throw new UsageError('expected --opset with an output named .onnx alone');
  checkOutputPath(output, [input]);
  const source = await readFileBytes(input);
  using model = await loadFrom(input, source, activation);
  const written = format === 'onnx' ? await onnxFile(model, opset) : { file: model.toBytes() };
  signal?.throwIfAborted();
  await writeFileAtomically(output, written.file);
  return outcome(model, { path: input, bytes: source.length }, { path: output, format, ...written });
}

/** By path where the file says all that is needed: tensors of ONNX may lie in files beside it. */
function loadFrom(input: string, source: Uint8Array, activation: ElementwiseName | undefined) {
  return activation === undefined ? load(input) : load(source, loadOptions([source], activation)[0]);
}

function formatOf(output: string): 'onnx' | 'safetensors' {
  const extension = path.extname(output).toLowerCase();
  if (extension === '.onnx') return 'onnx';
  if (extension === '.safetensors') return 'safetensors';
  throw new UsageError(`expected an output named .onnx or .safetensors but received '${output}'`);
}

async function onnxFile(
  { graph, metadata }: GraphModel,
  wish: number | undefined,
): Promise<{ file: Uint8Array; opset: number }> {
  const { chooseOpset, encodeOnnx } = await onnxExport();
  const opset = chooseOpset(graph, wish);
  return { file: encodeOnnx(graph, metadata, opset), opset };
}

function outcome(
  { kind, inFeatures, outFeatures, graph }: GraphModel,
  input: { path: string; bytes: number },
  { path: output, format, file, opset }: { path: string; format: string; file: Uint8Array; opset?: number },
): Outcome {
  return {
    report: {
      command: 'convert',
      input,
      output: { path: output, format, ...(opset !== undefined && { opset }), bytes: file.length },
      model: { kind, inFeatures, outFeatures, nodes: graph.nodes.length },
    },
    text: fields([
      [
        'model',
        `${kind}, ${count(inFeatures)} → ${plural(outFeatures, 'feature')}, ${plural(graph.nodes.length, 'node')}`,
      ],
      ['read', `${input.path}, ${bytes(input.bytes)}`],
      ['written', `${output}, ${bytes(file.length)}${opset === undefined ? '' : `, opset ${opset}`}`],
    ]),
  };
}
