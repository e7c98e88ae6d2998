export { AbsentOptionalError, ExpressionError, UnresolvedTagError, type ExpressionStage } from './errors.js';
export { createBoundedScope, createScope, type Scope, type ScopeEntries, type ScopeLike, type ScopeResolver } from './scope.js';
export { parseDelimited, type ParsedTemplate } from './template/parse-template.js';
export { substitute, substituteJson, substituteString, type SubstituteOptions } from './template/substitute.js';
export { findTags, type Tag } from './template/find-tags.js';
export { evaluateBoolean, evaluateExpression, evaluateRaw, evaluateRawBoolean } from './expr/evaluate.js';
export { type RunOptions } from './expr/program.js';
export { type Reference } from './expr/references.js';
export { evaluateGovaluate } from './when/evaluate-govaluate.js';
export { evaluateCronWhen, evaluateWhen } from './when/evaluate-when.js';
export {
  dependsFromDependencies,
  evaluateDepends,
  expandTaskName,
  parseDepends,
  TaskResult,
  type ContinueOn,
  type Depends,
  type DependsTask,
  type TaskResults,
} from './depends/depends.js';
export {
  formatLabelSelector,
  labelSelectorFrom,
  matchesLabels,
  matchesRequirement,
  parseLabelSelector,
  type LabelOperator,
  type LabelRequirement,
  type LabelSelector,
  type StructuredLabelSelector,
} from './selectors/label-selector.js';
export { formatFieldSelector, matchesFields, parseFieldSelector, type FieldRequirement } from './selectors/field-selector.js';
export { checkName, type NameKind } from './selectors/names.js';
export { matchesResource, matchesResourceCondition } from './json-paths/condition.js';
export { readGjson, type GjsonResult } from './json-paths/gjson.js';
export { queryJsonPath } from './json-paths/jsonpath.js';
export { renderKubeJsonPath } from './json-paths/kube-jsonpath.js';
export { nextCronTime } from './cron/next-time.js';
export { latestTick, nextTick, schedulesOf, scheduleText, type Schedules } from './cron/ticks.js';
export { parseCron, type CronField, type CronSchedule } from './cron/schedule.js';
export { goJson, goJsonString } from './golang/json.js';
export { parseGoJson, type JsonNumbers } from './golang/json-parse.js';
export { goQuote } from './golang/quote.js';
export { goSprintf } from './golang/sprintf.js';
export { goFormatValue } from './golang/format-value.js';
export { formatDuration, parseArgoDuration, parseDuration, roundDuration } from './golang/duration.js';
export { formatRfc3339, formatTime, parseRfc3339 } from './golang/time-format.js';
export { parseTime } from './golang/time-parse.js';
export { GoDuration, GoTime } from './golang/time-values.js';
export { Float64, type GoNumber } from './golang/numbers.js';
export { compileGoRegexp, type GoRegexp } from './golang/regexp.js';
