/**
 * One rule of the engine each, turned round. The unit and property tests must notice every one of them without any recordings:
 * `npm run test:mutation`. `find` has to stand in the file exactly once.
 */
export const MUTANTS = [
  {
    concept: 'retry policy',
    file: 'libs/engine/src/retry/retry-policy.ts',
    find: 'return attempt.phase !== NodePhase.Error;',
    replace: 'return attempt.phase === NodePhase.Error;',
  },
  {
    concept: 'failFast of a dag',
    file: 'libs/engine/src/dag/dag-phase.ts',
    find: '      result = phase;\n      if (isFailFast) break;',
    replace: '      result = phase;\n      if (!isFailFast) break;',
  },
  {
    concept: 'failFast of a template',
    file: 'libs/engine/src/limits/parallelism.ts',
    find: 'if (count.unsuccessful === 0) return false;',
    replace: 'if (count.unsuccessful > 0) return false;',
  },
  {
    concept: 'continueOn',
    file: 'libs/engine/src/phase/continue-on.ts',
    find: '(phase === NodePhase.Failed && invocation?.continueOn?.failed === true)',
    replace: '(phase === NodePhase.Failed && invocation?.continueOn?.error === true)',
  },
  {
    concept: 'depends',
    file: 'libs/engine/src/dag/readiness.ts',
    find: 'AllFailed: items.length > 0 && items.every(',
    replace: 'AllFailed: items.length > 0 && items.some(',
  },
  {
    concept: 'when',
    file: 'libs/engine/src/steps/step-group.ts',
    find: 'if (!isWanted(when))',
    replace: 'if (isWanted(when))',
  },
  {
    concept: 'parallelism',
    file: 'libs/engine/src/limits/parallelism.ts',
    find: 'active >= limit',
    replace: 'active > limit',
  },
  {
    concept: 'expression of a hook',
    file: 'libs/engine/src/hooks/lifecycle-hooks.ts',
    find: 'if (!isTriggered(name, hook, place.scope)) continue;',
    replace: 'if (isTriggered(name, hook, place.scope)) continue;',
  },
  {
    concept: 'exit handler',
    file: 'libs/engine/src/exit-handlers/exit-handler.ts',
    find: 'if (!isCompleted(node.status) || ',
    replace: 'if (isCompleted(node.status) || ',
  },
  {
    concept: 'order of joined results',
    file: 'libs/engine/src/loops/aggregate.ts',
    find: 'left.memory.index ?? 0) - (right.memory.index ?? 0)',
    replace: 'right.memory.index ?? 0) - (left.memory.index ?? 0)',
  },
  {
    concept: 'global outputs',
    file: 'libs/engine/src/outputs/global-outputs.ts',
    find: "globalName === undefined || globalName === '' || value === undefined ?",
    replace: "globalName !== undefined || globalName === '' || value === undefined ?",
  },
];
