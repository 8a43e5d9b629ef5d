// lib/formats/onnx/onnx.proto → onnx_pb.ts. buf and the generator are large and rarely needed, so npx fetches these
// exact versions; the result is committed.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../lib/formats/onnx', import.meta.url));
const plugin = {
  version: 'v2',
  plugins: [{ local: 'protoc-gen-es', out: '.', opt: ['target=ts', 'import_extension=none'] }],
};
const { status } = spawnSync(
  'npx',
  [
    '--yes',
    '--ignore-scripts',
    '--package=@bufbuild/buf@1.75.0',
    '--package=@bufbuild/protoc-gen-es@2.17.0',
    'buf',
    'generate',
    'onnx.proto',
    '--template',
    JSON.stringify(plugin),
  ],
  { cwd: folder, stdio: 'inherit' },
);
process.exit(status ?? 1);
