import { expected, RequantError } from '../errors';
import { type ElementwiseName, elementwise, isElementwiseOp } from '../layers/elementwise';
import type { Layer } from '../layers/layer';
import { linear } from '../layers/linear';
import type { Tensor } from '../tensor';
import { flatten } from './flatten';
import type { Graph } from './graph';

/** The chain of Linear layers that a checkpoint's tensor names spell. */
export function checkpointGraph(
  tensors: ReadonlyMap<string, Tensor>,
  activation: ElementwiseName | Layer | undefined,
): Graph {
  const names = [...tensors.keys()]
    .filter((name) => name.endsWith('.weight'))
    .map((name) => name.slice(0, -'.weight'.length));
  const known = new Set(names.flatMap((name) => [`${name}.weight`, `${name}.bias`]));
  const stray = [...tensors.keys()].find((name) => !known.has(name));
  if (stray !== undefined || names.length === 0) {
    throw expected('ERR_FORMAT', 'tensors in pairs <name>.weight and <name>.bias', stray ?? 'none');
  }
  if (activation === undefined) {
    throw new RequantError(
      'ERR_ARGUMENT',
      "expected an activation for a file without layers (for example { activation: 'relu' }) but received none",
    );
  }
  names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const layers = names.flatMap((name, i) => {
    const between = i < names.length - 1 ? [activationLayer(activation, name)] : [];
    return [linearOf(name, tensors), ...between];
  });
  return flatten(layers);
}

function linearOf(name: string, tensors: ReadonlyMap<string, Tensor>): Layer {
  const weight = tensors.get(`${name}.weight`)!;
  const bias = tensors.get(`${name}.bias`);
  const [outFeatures, inFeatures] = weight.shape;
  if (weight.dtype !== 'float32' || weight.shape.length !== 2 || !outFeatures || !inFeatures) {
    throw expected(
      'ERR_FORMAT',
      `'${name}.weight' to be a float matrix [out, in]`,
      `${weight.dtype} [${weight.shape}]`,
    );
  }
  if (bias && (bias.dtype !== 'float32' || bias.shape.length !== 1 || bias.shape[0] !== outFeatures)) {
    throw expected(
      'ERR_FORMAT',
      `'${name}.bias' to be floats of length ${outFeatures}`,
      `${bias.dtype} [${bias.shape}]`,
    );
  }
  return linear({
    name,
    inFeatures,
    outFeatures,
    weight: weight.data,
    bias: bias ? (bias.data as Float32Array) : false,
  });
}

function activationLayer(activation: ElementwiseName | Layer, after: string): Layer {
  if (typeof activation === 'object' && activation !== null)
    return { ...activation, name: `${after}.${activation.type}` };
  if (!isElementwiseOp(activation) || activation === ('clip' as string))
    throw expected('ERR_ARGUMENT', 'activation to be the name of an activation or a layer', activation);
  return { ...elementwise(activation), name: `${after}.${activation}` };
}
