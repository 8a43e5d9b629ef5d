import type { Command } from 'commander';
import { writeFileAtomically } from '../formats/atomic-write';
import { encodeNpyHeader } from '../formats/npy';
import type { ElementwiseName } from '../layers/elementwise';
import type { Model } from '../models/model';
import { type Evaluation, type EvaluationRequest, evaluate, evaluateAll } from './evaluation';
import { accuracy, agreement, count, fields, plural, real, rowRate, sqnr } from './format';
import { checkOutputPath, loadModels } from './models';
import * as option from './options';
import type { Context, Execute, Outcome } from './outcome';
import { type RowSource, withRows } from './rows';

interface Flags {
  readonly test: string;
  readonly labels?: string;
  readonly against?: string;
  readonly activation?: ElementwiseName;
  readonly scaleInput?: number;
  readonly batch?: number;
  /** -o */
  readonly o?: string;
}

const EXAMPLES = `
Examples:
  requant eval mnist.int8.safetensors --test test.npy --labels labels.npy
  requant eval mnist.int8.safetensors --test test.npy --against mnist.safetensors --activation relu
  requant eval mnist.int8.safetensors --test test.npy -o outputs.npy`;

export function addEval(program: Command, execute: Execute): void {
  const command = program
    .command('eval')
    .summary('run a model on rows: accuracy, agreement, speed, outputs')
    .description('Runs a model, float or quantized, on the rows of a .npy file.')
    .argument('<model>', 'model file (.safetensors, .onnx)')
    .requiredOption('--test <x.npy>', 'rows to run')
    .option('--labels <y.npy>', 'their class labels: reports the accuracy')
    .option('--against <model>', 'another model, to compare the outputs with');
  option
    .addScaleInput(option.addActivation(command))
    .option('--batch <rows>', 'rows a call (default: as many as fill 1 MiB)', option.positiveInteger)
    .option('-o <outputs.npy>', "write the model's outputs, float32 [rows, outputs]");
  option
    .addJson(command)
    .addHelpText('after', EXAMPLES)
    .action((model: string, flags: Flags) => execute((context) => evaluateModel(model, flags, context)));
}

async function evaluateModel(path: string, flags: Flags, context: Context): Promise<Outcome> {
  const { against, o: output } = flags;
  const paths = against === undefined ? [path] : [path, against];
  if (output !== undefined) checkOutputPath(output, [...paths, flags.test, flags.labels]);
  const models = await loadModels(paths, flags.activation);
  try {
    const [model, reference] = models;
    const request = { model: model!, reference, labels: flags.labels, batchRows: flags.batch };
    const evaluation = await withRows(flags.test, model!.inFeatures, flags.scaleInput, (source) =>
      output === undefined
        ? evaluateAll(source, request, context)
        : evaluateInto(output, source, request, context),
    );
    return outcome(path, flags, model!, evaluation);
  } finally {
    for (const model of models) model.dispose();
  }
}

/** Evaluates while the outputs stream into a .npy file, which appears when all of them are there. */
async function evaluateInto(
  path: string,
  source: RowSource,
  request: EvaluationRequest,
  context: Context,
): Promise<Evaluation> {
  let evaluation: Evaluation | undefined;
  async function* file(): AsyncGenerator<Uint8Array> {
    yield encodeNpyHeader('<f4', [source.rows, request.model.outFeatures]);
    const outputs = evaluate(source, request, context);
    for (;;) {
      const { done, value } = await outputs.next();
      if (done) {
        evaluation = value;
        return;
      }
      yield new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    }
  }
  await writeFileAtomically(path, file());
  return evaluation!;
}

function outcome(path: string, flags: Flags, model: Model, evaluation: Evaluation): Outcome {
  const { rows, model: own, reference, difference } = evaluation;
  const { kind, inFeatures, outFeatures } = model;
  const { test, against, o: output } = flags;
  return {
    report: {
      command: 'eval',
      model: { path, kind, inFeatures, outFeatures },
      test,
      rows,
      ...own,
      against: against === undefined ? null : { path: against, ...reference, ...difference },
      output: output ?? null,
    },
    text: fields([
      ['model', `${path}, ${kind}, ${count(inFeatures)} → ${plural(outFeatures, 'feature')}`],
      ['rows', `${count(rows)} of ${test}`],
      ['accuracy', own.accuracy && accuracy(own.accuracy)],
      ['speed', rowRate(own.rowsPerSecond)],
      ['against', against],
      ['  accuracy', reference?.accuracy && accuracy(reference.accuracy)],
      ['  speed', reference && rowRate(reference.rowsPerSecond)],
      ['  agreement', difference && agreement(difference.agreementPercent)],
      ['  difference', difference && `max ${real(difference.maxAbs)}, mean ${real(difference.meanAbs)}`],
      ['  SQNR', difference && sqnr(difference.sqnrDb)],
      ['outputs', output && `${output}, float32 [${rows}, ${outFeatures}]`],
    ]),
  };
}
