import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeNpy } from '../../lib/formats/npy';
import { linear, MLP, relu } from '../../lib/index';
import { train } from '../../lib/training';
import { moons } from '../training/support';
import { cli, errorLine, Folder, json } from './support';

const folder = new Folder();
const data = moons(200, 1);
const held = moons(50, 2);
folder.write('x.npy', encodeNpy(data.inputs as Float32Array, [200, 2]));
folder.write('y.npy', encodeNpy(data.targets as Uint8Array, [200]));
folder.write('held-x.npy', encodeNpy(held.inputs as Float32Array, [50, 2]));
folder.write('held-y.npy', encodeNpy(held.targets as Uint8Array, [50]));

const BASE = { inputs: 'x.npy', targets: 'y.npy', widths: [2, 16, 2], output: 'out.safetensors', epochs: 3 };
const config = folder.at('config.json');
const write = (changes: object) => writeFileSync(config, JSON.stringify({ ...BASE, ...changes }));
beforeEach(() => write({}));

const first = (seed = 0) =>
  new MLP([linear({ inFeatures: 2, outFeatures: 16 }), relu(), linear({ inFeatures: 16, outFeatures: 2 })], {
    seed,
  });
const output = () => readFileSync(folder.at('out.safetensors'));

describe('requant train', () => {
  it('trains as the library does and writes the model', async () => {
    const validation = { inputs: 'held-x.npy', targets: 'held-y.npy' };
    write({ validation, batchSize: 32, seed: 5, optimizer: { type: 'sgd', learningRate: 0.1 } });
    const ran = await cli(['train', config]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const wanted = await train(first(5), data, {
      epochs: 3,
      batchSize: 32,
      seed: 5,
      optimizer: { type: 'sgd', learningRate: 0.1 },
      validation: held,
    });
    expect(output()).toEqual(Buffer.from(wanted.model.toBytes()));
    expect(ran.stdout).toMatch(/trained +3 epochs/);
    expect(ran.stdout).toMatch(/accuracy +\d+\.\d\d % of the validation rows/);

    const { history } = json(await cli(['train', config, '--json']));
    expect(history).toEqual(wanted.history);
  });

  it('begins with a model, scales inputs, and takes floats as values', async () => {
    const model = first(3);
    folder.write('start.safetensors', model.toBytes());
    const bytes = Uint8Array.from({ length: 40 }, (_, i) => i * 6);
    const values = Float32Array.from({ length: 40 }, (_, i) => i / 40);
    folder.write('bytes.npy', encodeNpy(bytes, [20, 2]));
    folder.write('values.npy', encodeNpy(values, [20, 2]));
    const { widths: _, ...rest } = BASE;
    for (const scaleInput of [undefined, 0.5]) {
      const files = { inputs: 'bytes.npy', targets: 'values.npy', model: 'start.safetensors' };
      writeFileSync(config, JSON.stringify({ ...rest, ...files, scaleInput }));
      expect(await cli(['train', config])).toMatchObject({ code: 0, stderr: '' });
      const inputs = scaleInput === undefined ? bytes : Float32Array.from(bytes, (b) => b * scaleInput);
      const wanted = await train(model, { inputs, targets: values }, { epochs: 3 });
      expect(output()).toEqual(Buffer.from(wanted.model.toBytes()));
    }
  });

  it('draws loss, accuracy, speed and the time left on a terminal', async () => {
    const { stderr } = await cli(['train', config], { stderrIsTTY: true, env: { NO_COLOR: '1' } });
    expect(stderr).toMatch(
      /epoch 1\/3 \[#* *-*\] [\d,]+\/200 rows {2}loss [\d.]+ {2}[\d.]+ % {2}[\d,]+ rows\/s {2}\d+ s left/,
    );
  });

  it('says after Ctrl-C how to go on, and goes on to the same bits', async () => {
    write({ epochs: 20, batchSize: 8 });
    expect((await cli(['train', config])).code).toBe(0);
    const whole = output();

    const controller = new AbortController();
    const world = {
      signal: controller.signal,
      stderrIsTTY: true,
      env: {
        get NO_COLOR() {
          controller.abort(); // when the first line of progress is drawn
          return '1';
        },
      },
    };
    const cut = await cli(['train', config], world);
    expect(cut.code).toBe(130);
    expect(cut.stderr).toMatch(/ERR_ABORTED: interrupted; the state is in '.*out\.checkpoint\.safetensors'/);
    expect(cut.stderr).toContain(`requant train ${config} --resume`);
    expect(await cli(['train', config, '--resume'])).toMatchObject({ code: 0, stderr: '' });
    expect(output()).toEqual(whole);
  });

  it('goes on with more epochs', async () => {
    await cli(['train', config, '--epochs', '5']);
    const whole = output();
    await cli(['train', config]);
    expect(output()).not.toEqual(whole);
    await cli(['train', config, '--resume', '--epochs', '5']);
    expect(output()).toEqual(whole);
  });

  it('keeps no checkpoint where none is wanted', async () => {
    const { names } = folder;
    write({ checkpoint: false, output: 'other.safetensors' });
    expect((await cli(['train', config])).code).toBe(0);
    expect(folder.names).toEqual([...names, 'other.safetensors'].sort());
    const ran = await cli(['train', config, '--resume']);
    expect(ran).toMatchObject({
      code: 2,
      stderr: errorMatching(/a checkpoint in the config beside --resume/),
    });
  });

  it.each([
    [{ kind: 'slow' }, 1, /config\.kind to be one of float/],
    [{ epochs: 0 }, 1, /config\.epochs/],
    [{ epoch: 1 }, 1, /config with the keys .* received 'epoch'/],
    [{ widths: [2] }, 1, /config\.widths/],
    [{ widths: undefined }, 1, /either config\.model or config\.widths/],
    [{ model: 'x' }, 1, /either config\.model or config\.widths/],
    [{ inputs: undefined }, 1, /config\.inputs/],
    [{ validation: { inputs: 'x.npy' } }, 1, /config\.validation\.targets/],
    [{ activation: 'clip' }, 1, /config\.activation/],
    [{ scaleInput: 0 }, 1, /config\.scaleInput/],
    [{ checkpoint: true }, 1, /config\.checkpoint/],
    [{ optimizer: { type: 'x' } }, 1, /optimizer\.type/],
    [{ inputs: 'none.npy' }, 1, /none\.npy/],
    [{ widths: [3, 2] }, 1, /rows of 3 features/],
    [{ targets: 'held-y.npy' }, 1, /200 labels/],
    [{ output: 'x.npy' }, 2, /an output file other than the input/],
    [{ checkpoint: 'out.safetensors' }, 2, /an output file other than the input/],
  ])('%o', async (changes, code, message) => {
    write(changes);
    expect(await cli(['train', config])).toMatchObject({ code, stderr: errorMatching(message) });
  });

  it('refuses what is no JSON, and a checkpoint of another run', async () => {
    await cli(['train', config]);
    write({ seed: 1 });
    expect((await cli(['train', config, '--resume'])).stderr).toMatch(
      /ERR_ARGUMENT: expected .* as in the checkpoint/,
    );
    writeFileSync(config, '{');
    expect((await cli(['train', config])).stderr).toMatch(errorLine('ERR_FORMAT'));
    expect((await cli(['train', path.join(folder.path, 'none.json')])).stderr).toMatch(errorLine('ERR_IO'));
  });
});

function errorMatching(message: RegExp) {
  return expect.stringMatching(message);
}
