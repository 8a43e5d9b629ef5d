// Fashion-MNIST from Debian's package dataset-fashion-mnist (`apt-get install dataset-fashion-mnist`): the same IDX files, zipped.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { dataset } from './mnist.mjs';

const FOLDER = '/usr/share/datasets/fashion-mnist';

/** As `mnist`. */
export function fashion(split) {
  return dataset(split, (name) => gunzipSync(readFileSync(`${FOLDER}/${name}.gz`)));
}
