require('requant/training');
require('requant/compression');
require('requant/fp8');
require('requant/serving');
require('requant/report');
require('requant/onnx');
require('./inference.cjs')({ ...require('requant'), ...require('requant/kernels') });
