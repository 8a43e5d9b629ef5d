import { ensurePackages } from '../../bench/install.mjs';

/** onnxruntime-node is the one that bench/ measures against: one version in one lockfile. */
export default function setup() {
  ensurePackages();
}
