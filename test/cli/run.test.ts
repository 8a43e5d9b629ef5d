import { describe, expect, it } from 'vitest';
import { version } from '../../lib/version';
import { cli, errorLine, Folder, json } from './support';

const COMMANDS = ['quantize', 'inspect', 'eval', 'doctor'];

describe('help and version', () => {
  it('prints the version', async () => {
    expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version()}\n`, stderr: '' });
  });

  it('lists every command and the exit codes', async () => {
    const { code, stdout } = await cli(['--help']);
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command} `);
    expect(stdout).toContain('3 a gate was missed');
  });

  it.each(COMMANDS)('shows examples of %s', async (command) => {
    const { code, stdout, stderr } = await cli([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Examples:\n  ${command === 'doctor' ? '' : 'requant '}`);
    expect(stdout).toContain('--json');
  });
});

describe('wrong usage: exit 2', () => {
  it.each([
    { argv: ['quantise'], message: "unknown command 'quantise' (Did you mean quantize?)" },
    { argv: ['inspect'], message: "missing required argument 'model'" },
    { argv: ['inspect', 'a', 'b'], message: 'too many arguments' },
    { argv: ['inspect', 'a', '--jsn'], message: "unknown option '--jsn'" },
    { argv: ['eval', 'a'], message: "required option '--test <x.npy>' not specified" },
    { argv: ['eval', 'a', '--test', 'b', '--batch', '0'], message: 'Expected an integer ≥ 1' },
    { argv: ['eval', 'a', '--test', 'b', '--scale-input', 'x'], message: 'Expected a number' },
    { argv: ['eval', 'a', '--test', 'b', '--activation', 'clip'], message: 'Allowed choices are relu,' },
    { argv: ['eval', 'a', '--test', 'b', '-o', './b'], message: "other than the input but received 'b'" },
    { argv: ['quantize', 'a'], message: "required option '-o <file>' not specified" },
  ])('$argv', async ({ argv, message }) => {
    const { code, stdout, stderr } = await cli(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(errorLine('ERR_USAGE'));
    expect(stderr).toContain(message);
  });

  it('no command: the help on stderr', async () => {
    const { code, stdout, stderr } = await cli([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: requant');
    expect(stderr).toContain('requant: ERR_USAGE: expected a command');
  });

  it('--json: an error object on stdout too', async () => {
    const ran = await cli(['inspect', '--json']);
    expect(ran.code).toBe(2);
    expect(json(ran)).toEqual({
      error: { code: 'ERR_USAGE', message: "missing required argument 'model'" },
    });
    expect(ran.stderr).toMatch(errorLine('ERR_USAGE'));
  });
});

describe('failures: exit 1, one line, no stack', () => {
  const folder = new Folder();

  it('a missing file', async () => {
    const ran = await cli(['inspect', folder.at('none.safetensors'), '--json']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(errorLine('ERR_IO'));
    expect(json(ran)).toMatchObject({ error: { code: 'ERR_IO' } });
  });

  it('a name that would drive the terminal', async () => {
    const { code, stderr } = await cli(['inspect', folder.at('\x1b[31m\nred')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(errorLine('ERR_IO'));
    expect(stderr).not.toContain('\x1b');
  });
});
