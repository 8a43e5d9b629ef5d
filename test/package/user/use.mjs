import * as requant from 'requant';
import { kernels } from 'requant/kernels';
import 'requant/training';
import 'requant/compression';
import 'requant/fp8';
import 'requant/serving';
import 'requant/report';
import 'requant/onnx';
import inference from './inference.cjs';

inference({ ...requant, kernels });
