import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../lib/onnx';
import { Seeded } from '../support/random';
import { OrtModel, rowError } from './ort';

/** Float models of a user, of one input [batch, features]: paths separated by ':'. None is in the repository, for its size. */
const FILES = (process.env['CONFORMANCE_FILES'] ?? '').split(':').filter((path) => path !== '');

describe.skipIf(FILES.length === 0)('files of CONFORMANCE_FILES', () => {
  it.each(FILES)('%s', async (path) => {
    using model = await importOnnx(path);
    await using ort = await OrtModel.load(path);
    const rows = Float32Array.from(new Seeded(3).normals(32 * model.inFeatures));
    const reference = (await ort.runFirst(rows, model.inFeatures)) as Float32Array;
    expect(rowError(model.runSync(rows), reference, model.outFeatures)).toBeLessThanOrEqual(1e-5);
  });
});
