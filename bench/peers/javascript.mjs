// Plain JavaScript as one would write it with care: typed arrays, tiles of 2 rows by 4 outputs in local variables, no
// allocation in a call.

export function javascriptPeer({ layers, widths }) {
  return {
    contenders({ rows, batch }) {
      const buffers = widths.slice(1).map((width) => new Float32Array(batch * width));
      const last = layers.length - 1;
      const call = () => {
        let x = rows;
        for (let i = 0; i <= last; i++) {
          linear(layers[i], x, buffers[i], batch, i < last);
          x = buffers[i];
        }
        return x;
      };
      return [{ name: 'javascript', arithmetic: 'float32', isAsync: false, call, result: call }];
    },
    dispose() {},
  };
}

function linear({ weight, bias, inFeatures: K, outFeatures: N }, x, y, rows, isRelu) {
  const floor = isRelu ? 0 : Number.NEGATIVE_INFINITY;
  let m = 0;
  for (; m + 2 <= rows; m += 2) {
    let n = 0;
    for (; n + 4 <= N; n += 4) tile2x4(weight, bias, x, y, m, n, K, N, floor);
    for (; n < N; n++) {
      dot(weight, bias, x, y, m, n, K, N, floor);
      dot(weight, bias, x, y, m + 1, n, K, N, floor);
    }
  }
  if (m === rows) return;
  let n = 0;
  for (; n + 4 <= N; n += 4) tile1x4(weight, bias, x, y, m, n, K, N, floor);
  for (; n < N; n++) dot(weight, bias, x, y, m, n, K, N, floor);
}

function tile2x4(w, bias, x, y, m, n, K, N, floor) {
  const x0 = m * K;
  const x1 = x0 + K;
  const w0 = n * K;
  const w1 = w0 + K;
  const w2 = w1 + K;
  const w3 = w2 + K;
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  for (let k = 0; k < K; k++) {
    const xa = x[x0 + k];
    const xb = x[x1 + k];
    const v0 = w[w0 + k];
    const v1 = w[w1 + k];
    const v2 = w[w2 + k];
    const v3 = w[w3 + k];
    a0 += xa * v0;
    a1 += xa * v1;
    a2 += xa * v2;
    a3 += xa * v3;
    b0 += xb * v0;
    b1 += xb * v1;
    b2 += xb * v2;
    b3 += xb * v3;
  }
  const y0 = m * N + n;
  const y1 = y0 + N;
  y[y0] = Math.max(a0 + bias[n], floor);
  y[y0 + 1] = Math.max(a1 + bias[n + 1], floor);
  y[y0 + 2] = Math.max(a2 + bias[n + 2], floor);
  y[y0 + 3] = Math.max(a3 + bias[n + 3], floor);
  y[y1] = Math.max(b0 + bias[n], floor);
  y[y1 + 1] = Math.max(b1 + bias[n + 1], floor);
  y[y1 + 2] = Math.max(b2 + bias[n + 2], floor);
  y[y1 + 3] = Math.max(b3 + bias[n + 3], floor);
}

function tile1x4(w, bias, x, y, m, n, K, N, floor) {
  const x0 = m * K;
  const w0 = n * K;
  const w1 = w0 + K;
  const w2 = w1 + K;
  const w3 = w2 + K;
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  for (let k = 0; k < K; k++) {
    const xa = x[x0 + k];
    a0 += xa * w[w0 + k];
    a1 += xa * w[w1 + k];
    a2 += xa * w[w2 + k];
    a3 += xa * w[w3 + k];
  }
  const y0 = m * N + n;
  y[y0] = Math.max(a0 + bias[n], floor);
  y[y0 + 1] = Math.max(a1 + bias[n + 1], floor);
  y[y0 + 2] = Math.max(a2 + bias[n + 2], floor);
  y[y0 + 3] = Math.max(a3 + bias[n + 3], floor);
}

/** Four sums, so that an addition need not wait for the one before. */
function dot(w, bias, x, y, m, n, K, N, floor) {
  const x0 = m * K;
  const w0 = n * K;
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    a0 += x[x0 + k] * w[w0 + k];
    a1 += x[x0 + k + 1] * w[w0 + k + 1];
    a2 += x[x0 + k + 2] * w[w0 + k + 2];
    a3 += x[x0 + k + 3] * w[w0 + k + 3];
  }
  for (; k < K; k++) a0 += x[x0 + k] * w[w0 + k];
  y[m * N + n] = Math.max(a0 + a1 + (a2 + a3) + bias[n], floor);
}
