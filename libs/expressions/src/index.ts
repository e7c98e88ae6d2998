export { AbsentOptionalError, ExpressionError, UnresolvedTagError, type ExpressionStage } from './errors.js';
export { createScope, type Scope, type ScopeEntries, type ScopeLike, type ScopeResolver } from './scope.js';
export { substitute, substituteJson, substituteString, type SubstituteOptions } from './template/substitute.js';
export { findTags, type Tag } from './template/find-tags.js';
export { evaluateBoolean, evaluateExpression, evaluateRaw } from './expr/evaluate.js';
export { type Reference } from './expr/references.js';
export { goJson } from './golang/json.js';
export { goQuote } from './golang/quote.js';
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
export { evaluateWhen } from './when/evaluate-when.js';
