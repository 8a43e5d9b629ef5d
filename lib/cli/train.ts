import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Progress } from '../calibration/types';
import { readFileBytes, writeFileAtomically } from '../formats/atomic-write';
import { MLP } from '../models/mlp';
import type { Epoch } from '../training/loop';
import { bytes, fields, percent, plural, real, rowRate } from './format';
import { checkOutputPath, loadOptions, sourceOf } from './models';
import * as option from './options';
import { type Context, type Execute, Interrupted, type Outcome, UsageError } from './outcome';
import { readConfig, type TrainConfig } from './training/config';
import { type Ports, readDataset } from './training/data';
import { KINDS, type Start } from './training/kinds';

interface Flags {
  readonly resume?: true;
  readonly epochs?: number;
}

const EXAMPLES = `
A config file:
  {
    "widths": [784, 100, 50, 10],
    "inputs": "train-images.npy", "targets": "train-labels.npy", "scaleInput": 0.00392156862745098,
    "validation": { "inputs": "test-images.npy", "targets": "test-labels.npy" },
    "epochs": 10, "batchSize": 64, "optimizer": { "type": "adam", "learningRate": 0.001 },
    "output": "mnist.safetensors"
  }
docs/training.md lists every key with its default.

Examples:
  requant train mnist.json
  requant train mnist.json --resume
  requant train mnist.json --resume --epochs 20`;

export function addTrain(program: Command, execute: Execute): void {
  const command = program
    .command('train')
    .summary('train a model on .npy files, as a config file says')
    .description(
      'Trains a model on .npy files. After every epoch, and where it is interrupted, the state is written to a checkpoint; --resume goes on from there, to the same bits.',
    )
    .argument('<config.json>', 'what to train, on what; paths in it are relative to its folder')
    .option('--resume', 'go on from the checkpoint')
    .option('--epochs <n>', "in place of the config's", option.positiveInteger);
  option
    .addJson(command)
    .addHelpText('after', EXAMPLES)
    .action((file: string, flags: Flags) => execute((context) => trainModel(file, flags, context)));
}

async function trainModel(file: string, flags: Flags, context: Context): Promise<Outcome> {
  const config = { ...(await readConfig(file)), ...(flags.epochs !== undefined && { epochs: flags.epochs }) };
  checkFiles(file, config);
  if (flags.resume && config.checkpoint === undefined)
    throw new UsageError('expected a checkpoint in the config beside --resume');
  const start = await readStart(config);
  const data = await readDataset(config, portsOf(start), config.scaleInput, context);
  const validation =
    config.validation && (await readDataset(config.validation, portsOf(start), config.scaleInput, context));
  const began = performance.now();
  const { bytes: model, history } = await KINDS[config.kind]
    .train(start, data, {
      ...config.options,
      epochs: config.epochs,
      ...(config.batchSize !== undefined && { batchSize: config.batchSize }),
      ...(config.seed !== undefined && { seed: config.seed }),
      ...(validation && { validation }),
      ...(config.checkpoint !== undefined && {
        checkpoint: config.checkpoint,
        resume: flags.resume === true,
      }),
      ...(config.checkpointSeconds !== undefined && { checkpointSeconds: config.checkpointSeconds }),
      ...(context.signal && { signal: context.signal }),
      onProgress: (progress) => context.onProgress({ ...progress, note: noteOf(progress, config.epochs) }),
    })
    .catch((error: unknown) => {
      throw context.signal?.aborted === true ? interrupted(file, config, error) : error;
    });
  await writeFileAtomically(config.output, model);
  return outcome(file, config, { history, size: model.length, seconds: (performance.now() - began) / 1000 });
}

function checkFiles(
  file: string,
  { model, inputs, targets, validation, output, checkpoint }: TrainConfig,
): void {
  const read = [file, model, inputs, targets, validation?.inputs, validation?.targets];
  checkOutputPath(output, read);
  if (checkpoint !== undefined) checkOutputPath(checkpoint, [...read, output]);
}

async function readStart({ model: file, widths, activation }: TrainConfig): Promise<Start> {
  if (file === undefined) return { model: undefined, widths, activation };
  const source = await readFileBytes(file);
  const model = await MLP.load(sourceOf(file, source), loadOptions([source], activation)[0]);
  return { model, widths, activation };
}

function portsOf({ model, widths }: Start): Ports {
  return model ?? { inFeatures: widths![0]!, outFeatures: widths!.at(-1)! };
}

/** Loss, accuracy, speed and how long all epochs will take at this speed. */
function noteOf(
  { step, done, total = done, loss, accuracy, rowsPerSecond }: Progress,
  epochs: number,
): string {
  const epoch = Number(/^epoch (\d+)\//.exec(step)?.[1] ?? epochs);
  const left = rowsPerSecond && ((epochs - epoch) * total + total - done) / rowsPerSecond;
  return [
    loss === undefined ? undefined : `loss ${loss.toPrecision(3)}`,
    accuracy === undefined ? undefined : percent(100 * accuracy),
    rowsPerSecond === undefined ? undefined : rowRate(rowsPerSecond),
    left === undefined ? undefined : `${timeText(left)} left`,
  ]
    .filter((word) => word !== undefined)
    .join('  ');
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** Where the checkpoint is, or that it could not be written. */
function interrupted(file: string, { checkpoint }: TrainConfig, error: unknown): unknown {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_IO')
    return new Interrupted(`interrupted, and ${error.message}`);
  if (checkpoint === undefined || !existsSync(checkpoint)) return error;
  return new Interrupted(
    `interrupted; the state is in '${path.relative('', checkpoint)}': requant train ${file} --resume goes on`,
  );
}

interface Findings {
  readonly history: readonly Epoch[];
  readonly size: number;
  readonly seconds: number;
}

function outcome(file: string, config: TrainConfig, { history, size, seconds }: Findings): Outcome {
  const { kind, output, checkpoint, validation } = config;
  const last = history.at(-1)!;
  return {
    report: {
      command: 'train',
      config: file,
      kind,
      output,
      checkpoint: checkpoint ?? null,
      bytes: size,
      seconds,
      history,
    },
    text: fields([
      ['kind', kind],
      ['trained', `${plural(history.length, 'epoch')}, ${timeText(seconds)}`],
      ['loss', real(last.loss)],
      ['validation loss', last.validationLoss === undefined ? undefined : real(last.validationLoss)],
      [
        'accuracy',
        last.accuracy === undefined
          ? undefined
          : `${percent(100 * last.accuracy)} of ${validation ? 'the validation rows' : 'the training rows, while they were trained on'}`,
      ],
      ['checkpoint', checkpoint],
      ['written', `${output}, ${bytes(size)}`],
    ]),
  };
}
