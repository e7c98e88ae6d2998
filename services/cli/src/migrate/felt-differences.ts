import type { Template, WorkflowSpec } from '#libs/workflow-spec';

/** A deliberate difference (docs/compatibility.md) that users of some feature will notice. */
interface FeltDifference {
  /** The feature, as it stands in the spec. */
  feature: string;
  difference: string;
  isUsed: (spec: WorkflowSpec) => boolean;
}

const anyTemplate =
  (isUsed: (template: Template) => boolean) =>
  (spec: WorkflowSpec): boolean =>
    (spec.templates ?? []).some(isUsed);
const anyText =
  (words: RegExp) =>
  (spec: WorkflowSpec): boolean =>
    words.test(JSON.stringify(spec));

const FELT_DIFFERENCES: readonly FeltDifference[] = [
  {
    feature: 'http templates without timeoutSeconds',
    difference: 'a request ends after one hour',
    isUsed: anyTemplate(({ http }) => http !== undefined && http.timeoutSeconds === undefined),
  },
  {
    feature: 'plugin templates',
    difference: 'a plugin that is not done and names no time is asked again every 10 s; the one whose key it is is asked first',
    isUsed: anyTemplate(({ plugin }) => plugin !== undefined),
  },
  {
    feature: 'memoize',
    difference:
      "a cache's ConfigMap is in the namespace of the workflow, not of the controller: results kept so far are not found",
    isUsed: anyTemplate(({ memoize }) => memoize !== undefined),
  },
  {
    feature: 'timeout of a template',
    difference: 'a Pending node whose time is over fails, and the failure goes its usual way',
    isUsed: anyTemplate(({ timeout }) => timeout !== undefined),
  },
  {
    feature: 'database locks',
    difference: 'they are shared by installations of Argosy on one database, not with controllers of Argo',
    isUsed: anyText(/"synchronization":\{.*"database":true/),
  },
  {
    feature: 'sprig functions of keys, random values, hosts and versions',
    difference: 'refused: a decision must come out the same when it is made again',
    isUsed: anyText(
      /sprig\.(?:gen[A-Z]\w*|rand\w*|uuidv4|shuffle|derivePassword|getHostByName|semver\w*|bcrypt|htpasswd|encryptAES)\b/,
    ),
  },
  {
    feature: 'metrics of templates with attempts',
    difference: 'one end is measured once, also where the controller restarts',
    isUsed: anyTemplate(({ metrics, retryStrategy }) => metrics !== undefined && retryStrategy !== undefined),
  },
];

/** What users of this spec will notice, as `feature: difference`. */
export const feltDifferencesOf = (spec: WorkflowSpec): string[] =>
  FELT_DIFFERENCES.filter(({ isUsed }) => isUsed(spec)).map(({ feature, difference }) => `${feature}: ${difference}`);
