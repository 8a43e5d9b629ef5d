require('requant/training');
require('./inference.cjs')({ ...require('requant'), ...require('requant/kernels') });
