// onnxruntime-node: float32, and every form in which it computes int8. `run` is a promise around synchronous work; it is
// timed from the call until the promise resolves. Input and output tensors are made once.
process.env.ORT_DISABLE_TELEMETRY = '1'; // read when it loads
const { InferenceSession, Tensor } = (await import('onnxruntime-node')).default;
const graphs = await import('../onnx-graphs.mjs');
const { dequantized, newCodes } = await import('../subject.mjs');

const FLOAT_FORMS = ['qdq', 'qgemm', 'matMulIntegerToFloat', 'dynamicQuantizeMatMul'];
const CODES_FORMS = ['qdq', 'qgemm'];

export async function ortPeer({ float, int8, codes, threads }) {
  const settings = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    logSeverityLevel: 3,
  };
  const sessions = [];
  const open = async (name, arithmetic, form, graph) => {
    const session = await InferenceSession.create(graphs[form](graph), settings);
    sessions.push(session);
    return { name, arithmetic, form, session };
  };
  const opened = [await open('ortFloat32', 'float32', 'float32', float.graph)];
  for (const form of FLOAT_FORMS) opened.push(await open('ortInt8', 'int8', form, int8.graph));
  for (const form of CODES_FORMS) opened.push(await open('ortInt8Codes', 'int8', form, codes.graph));

  function contender({ name, arithmetic, form, session }, { batch, rows, codes: rowCodes }) {
    const isCodes = name === 'ortInt8Codes';
    const [x] = session.inputNames;
    const [y] = session.outputNames;
    const length = batch * codes.outFeatures;
    const port = codes.output;
    const feeds = {
      [x]: isCodes
        ? new Tensor(codes.input.dtype, rowCodes, [batch, codes.inFeatures])
        : new Tensor('float32', rows, [batch, codes.inFeatures]),
    };
    const fetches = {
      [y]: isCodes
        ? new Tensor(port.dtype, newCodes(length, port.dtype), [batch, codes.outFeatures])
        : new Tensor('float32', new Float32Array(length), [batch, codes.outFeatures]),
    };
    return {
      name,
      arithmetic,
      form,
      isAsync: true,
      call: () => session.run(feeds, fetches),
      async result() {
        const { data } = (await session.run(feeds, fetches))[y];
        return isCodes ? dequantized(data, port) : data;
      },
    };
  }

  return {
    contenders: (input) => opened.map((entry) => contender(entry, input)),
    async dispose() {
      for (const session of sessions) await session.release();
    },
  };
}
