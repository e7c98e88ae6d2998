/** One thing that is wrong (`error`) or looks wrong (`warning`) in a file. */
export interface LintFinding {
  file: string;
  /** Where it stands, counted from 1; absent where the message names no place in the file. */
  line?: number | undefined;
  column?: number | undefined;
  /** `name` or `generateName` of the object or its number in the file; empty for a file that cannot be read. */
  object: string;
  kind: string;
  /** Stable id of the rule, for suppressions and dashboards. */
  rule: string;
  severity: 'error' | 'warning';
  message: string;
}

/** What a message is about, by its words: the first that fits. */
const RULES: readonly (readonly [RegExp, string])[] = [
  [/unknown field/, 'unknown-field'],
  [/is not supported yet/, 'not-supported'],
  [/: must be .*found|json: cannot unmarshal/, 'wrong-type'],
  [/failed to resolve|unable to substitute|is not defined in scope/, 'unresolved-tag'],
  [/was not supplied/, 'missing-argument'],
  [
    /couldn't find (?:cluster )?workflow template|template (?:name )?'?[^ ]*'? (?:undefined|not found)|failed to get a template/,
    'unknown-template',
  ],
  [/is not unique|already exists|duplicate/, 'duplicate-name'],
  [/entrypoint/, 'entrypoint'],
  [/depends|dependenc|sorting failed|cycle|target/, 'dependencies'],
  [/continueOn/, 'continue-on'],
  [/withItems|withParam|withSequence/, 'loop'],
  [/type is unknown|multiple template types|only valid for/, 'template-type'],
  [/valueFrom|does not have/, 'output-source'],
  [/artifact/, 'artifact'],
  [/schedule|cron|timezone/i, 'schedule'],
  [/retry/i, 'retry'],
  [/name|must consist of|character/, 'invalid-name'],
];

/** The rule of a message of Argo's validation; `invalid` where none is more exact. */
export const ruleOf = (message: string): string => RULES.find(([words]) => words.test(message))?.[1] ?? 'invalid';
