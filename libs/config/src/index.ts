export { describeConfig } from './describe-config.js';
export type { ConfigRow } from './describe-config.js';
export { ConfigError } from './errors.js';
export type { ConfigProblem } from './errors.js';
export {
  duration,
  flag,
  integer,
  list,
  oneOf,
  optionalDuration,
  optionalInteger,
  optionalSecret,
  optionalText,
  requiredSecret,
  requiredText,
  size,
  text,
} from './fields.js';
export type { Field } from './fields.js';
export {
  artifactStoreFields,
  archiveFields,
  clusterFields,
  controllerFields,
  databaseFields,
  httpFields,
  loggingFields,
  observabilityFields,
  programFields,
  queueFields,
  queueLocation,
  scopeFields,
} from './fragments.js';
export type { QueueLocation, QueueSettings } from './fragments.js';
export { configOf, loadConfig, processEnvironment, variableOf } from './load-config.js';
export type { ConfigOf, ConfigSchema, ConfigShape, Environment } from './load-config.js';
export { Secret } from './secret.js';
