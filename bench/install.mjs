import { fileURLToPath } from 'node:url';
import { ensurePackages as ensure } from '../scripts/ensure-packages.mjs';

/** The peers: onnxruntime-node alone unpacks to 290 MB. */
export function ensurePackages() {
  ensure(fileURLToPath(new URL('.', import.meta.url)), 'bench: installing the peers in bench/node_modules');
}
