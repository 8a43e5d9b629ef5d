require('requant/training');
require('requant/serving');
require('./inference.cjs')({ ...require('requant'), ...require('requant/kernels') });
