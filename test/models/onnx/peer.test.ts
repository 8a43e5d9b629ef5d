import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../lib/package-root';
import { OnnxBuilder } from '../../support/onnx-builder';

/** The package as it is installed, without its optional peer. */
function install(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'requant-peer-'));
  cpSync(path.join(packageRoot, 'dist'), path.join(folder, 'dist'), { recursive: true });
  cpSync(path.join(packageRoot, 'package.json'), path.join(folder, 'package.json'));
  cpSync(
    path.join(packageRoot, 'node_modules/node-gyp-build'),
    path.join(folder, 'node_modules/node-gyp-build'),
    {
      recursive: true,
    },
  );
  symlinkSync(path.join(packageRoot, 'build'), path.join(folder, 'build'));
  return folder;
}

describe('without @bufbuild/protobuf', () => {
  it('the package works, and ONNX is ERR_PEER with the command that installs it', () => {
    const folder = install();
    try {
      const b = new OnnxBuilder(17);
      writeFileSync(path.join(folder, 'm.onnx'), b.encode([2], b.node('Relu', ['x'])));
      const script = `
        const { load, MLP, linear } = require('./dist/index.js');
        const { importOnnx } = require('./dist/onnx.js');
        const failure = (promise) => promise.then(() => 'none', ({ code, message }) => code + ' ' + message);
        (async () => {
          const { outFeatures } = new MLP([linear({ inFeatures: 2, outFeatures: 3 })]);
          console.log(JSON.stringify([outFeatures, await failure(load('m.onnx')), await failure(importOnnx('m.onnx'))]));
        })();`;
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      const message = expect.stringMatching(/^ERR_PEER .*npm install @bufbuild\/protobuf$/);
      expect(JSON.parse(stdout)).toEqual([3, message, message]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
