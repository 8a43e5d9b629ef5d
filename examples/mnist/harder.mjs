// The same functions, harder to quantize: what equalization, SmoothQuant and bias correction exist for.
import { MLP } from 'requant';

/** layers with weights and biases of the Linear ones changed: edit(layer, i-th Linear) → { weight, bias } */
function edited(model, edit) {
  let i = -1;
  return new MLP(
    model.layers.map((layer) => {
      if (layer.type !== 'linear') return layer;
      i++;
      return { ...layer, ...edit(layer, i) };
    }),
  );
}

const scaledRows = ({ weight, bias, inFeatures }, factor) => ({
  weight: weight.map((x, j) => x * factor(Math.floor(j / inFeatures))),
  bias: bias.map((x, n) => x * factor(n)),
});

const scaledColumns = ({ weight, bias, inFeatures }, factor) => ({
  weight: weight.map((x, j) => x * factor(j % inFeatures)),
  bias,
});

/** Every hidden feature n times factor(n), undone where it is read; powers of two, so that no bit of the outputs moves. */
function rescaled(model, factor) {
  const last = model.layers.filter(({ type }) => type === 'linear').length - 1;
  return edited(model, (layer, i) => {
    const { weight, bias } = i === 0 ? layer : scaledColumns(layer, (n) => 1 / factor(n));
    return i === last ? { weight, bias } : scaledRows({ ...layer, weight, bias }, factor);
  });
}

/** Hidden features of scales from 2^−3 to 2^3, in no order. */
export const rescaledChannels = (model) => rescaled(model, (n) => 2 ** (((n * 5) % 7) - 3));

/** One hidden feature in 64 is 128 times as large as the others. */
export const activationOutliers = (model) => rescaled(model, (n) => (n % 64 === 17 ? 128 : 1));

/** Inputs that lie `shift` higher, for data that nobody centred: the first bias takes it back. */
export function shiftedInputs(model, shift) {
  return edited(model, (layer, i) => {
    if (i > 0) return {};
    const { weight, bias, inFeatures } = layer;
    return {
      bias: bias.map((b, n) => {
        const row = weight.subarray(n * inFeatures, (n + 1) * inFeatures);
        return b - shift * row.reduce((sum, w) => sum + w, 0);
      }),
    };
  });
}
