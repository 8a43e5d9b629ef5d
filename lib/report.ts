export type { ReportOptions } from './report/options';
export { type Report, report } from './report/report';
export type {
  GridError,
  LayerInFormat,
  OutputError,
  ReportAdvice,
  ReportCalibration,
  ReportData,
  ReportFailure,
  ReportFormat,
  ReportGrid,
  ReportHistogram,
  ReportLatency,
  ReportLayer,
  ReportMethod,
  ReportModel,
  ReportPruning,
  ReportRows,
  ReportSensitivity,
  ReportTensor,
  ReportTraining,
  ReportVariant,
} from './report/types';
