import {
  checkName,
  evaluateExpression,
  evaluateGovaluate,
  evaluateRaw,
  evaluateWhen,
  ExpressionError,
  type FieldRequirement,
  formatDuration,
  formatFieldSelector,
  formatLabelSelector,
  formatTime,
  Float64,
  GoDuration,
  goFormatValue,
  goJson,
  goQuote,
  GoTime,
  type LabelRequirement,
  labelSelectorFrom,
  matchesFields,
  matchesLabels,
  matchesResource,
  type NameKind,
  nextCronTime,
  parseArgoDuration,
  parseCron,
  parseDelimited,
  parseDuration,
  parseFieldSelector,
  parseLabelSelector,
  parseTime,
  formatRfc3339,
  queryJsonPath,
  readGjson,
  renderKubeJsonPath,
  roundDuration,
  substitute,
} from '#libs/expressions';
import { queryJq } from '#libs/execution';
import { type MergeType, strategicMergePatch } from '#libs/pod-spec';
import { type KubernetesObject, Quantity } from '#libs/workflow-spec';
import { floatsOnly, markedFromValue, typedValue, valueFromMarked } from './typed-values.js';

/** What a case gives as input, by the names that its kind has. */
export type CaseInput = Readonly<Record<string, unknown>>;
type Result = object | Promise<object>;

/** One kind of thing that can be evaluated: the field that a plain text goes to, and the evaluation. Throws what the library throws. */
export interface CaseKind {
  summary: string;
  main: string;
  evaluate(input: CaseInput, nowMs: number): Result;
  /** The step that failed, where the kind has one name for all. */
  stage?: string;
}

const NS_PER_SECOND = 1_000_000_000n;
const DEFAULT_CRON_TIMES = 5;

const textOf = (input: CaseInput, field: string): string => {
  const value = input[field];
  return typeof value === 'string' ? value : '';
};
const environmentOf = (input: CaseInput): Record<string, unknown> =>
  (valueFromMarked(input['env'] ?? {}) ?? {}) as Record<string, unknown>;
const labelsOf = (input: CaseInput): Record<string, string> => (input['labels'] ?? {}) as Record<string, string>;

const requirementOf = ({ key, operator, values }: LabelRequirement): object => ({ key, op: operator, values });
const fieldRequirementOf = ({ field, operator, value }: FieldRequirement): object => ({ field, op: operator, value });

const expression = (input: CaseInput, nowMs: number): object => {
  const [source, env] = [textOf(input, 'expr'), environmentOf(input)];
  const value =
    input['raw'] === true
      ? evaluateRaw(source, env, { strict: input['noEnv'] !== true, nowMs })
      : evaluateExpression(source, env, nowMs);
  if (input['bool'] === true && typeof value !== 'boolean') throw new ExpressionError('the result is not a bool', 'bool');
  return typedValue(value);
};

const fastTemplate = (input: CaseInput): object => {
  const { unresolved, start = '{{', end = '}}' } = input;
  const parsed = parseDelimited(textOf(input, 'template'), String(start), String(end));
  if (parsed instanceof ExpressionError) throw parsed;
  if (unresolved === 'tags') return { tags: parsed.tags, text: parsed.texts };
  const env = environmentOf(input);
  const value = parsed.texts.reduce((out, text, i) => {
    const tag = parsed.tags[i - 1] ?? '';
    const missing = unresolved === 'keep' ? `${String(start)}${tag}${String(end)}` : '';
    return out + (Object.hasOwn(env, tag) ? goFormatValue(env[tag]) : missing) + text;
  });
  return { value };
};

const nextTimes = (input: CaseInput): object => {
  const schedule = parseCron(textOf(input, 's'), textOf(input, 'tz') || 'UTC');
  const next: string[] = [];
  let at: number | undefined = Date.parse(textOf(input, 'from'));
  while (next.length < Number(input['n'] ?? DEFAULT_CRON_TIMES)) {
    at = nextCronTime(schedule, at);
    if (at === undefined) return { next: [...next, 'never'] };
    next.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  }
  return { next };
};

const timeText = (input: CaseInput): object => {
  const [layout, text] = [textOf(input, 'path'), textOf(input, 's')];
  if (input['type'] === 'parse') {
    const time = parseTime(layout, text);
    if (time instanceof ExpressionError) throw time;
    const seconds = time.unixNs / NS_PER_SECOND - (time.unixNs < 0n && time.unixNs % NS_PER_SECOND !== 0n ? 1n : 0n);
    return { unix: String(seconds), value: formatRfc3339(time) };
  }
  const { unixNs } = valueFromMarked({ $time: text }) as GoTime;
  return { value: formatTime(new GoTime(unixNs, textOf(input, 'tz') || 'UTC'), layout) };
};

const duration = (input: CaseInput): object => {
  const text = textOf(input, 's');
  const value = input['type'] === 'argo' ? parseArgoDuration(text) : parseDuration(text);
  return {
    ns: String(value.ns),
    string: formatDuration(value),
    rounded: formatDuration(roundDuration(value, new GoDuration(NS_PER_SECOND))),
    seconds: goFormatValue(new Float64(Number(value.ns / NS_PER_SECOND) + Number(value.ns % NS_PER_SECOND) / 1e9)),
  };
};

const quantity = (input: CaseInput): object => {
  const value = Quantity.parse(textOf(input, 's'));
  const one = {
    canonical: String(value),
    format: value.format,
    value: String(value.scaledValue(0)),
    milli: String(value.scaledValue(-3)),
    float: goFormatValue(new Float64(value.toNumber())),
    sign: value.sign,
    zero: value.sign === 0,
  };
  if (input['other'] === undefined) return one;
  const other = Quantity.parse(textOf(input, 'other'));
  return { ...one, cmp: value.compare(other), add: String(value.add(other)), sub: String(value.subtract(other)) };
};

/** Everything that `argosy eval` evaluates, by the name of its kind. */
export const CASE_KINDS: Readonly<Record<string, CaseKind>> = {
  expr: { summary: 'an expression as in {{= }}; env', main: 'expr', evaluate: expression },
  when: {
    summary: "a step's condition, its tags replaced",
    main: 'expr',
    evaluate: (input) => ({ value: evaluateWhen(textOf(input, 'expr')) }),
  },
  govaluate: {
    summary: 'the language of conditions with variables; env',
    main: 'expr',
    evaluate: (input) => typedValue(floatsOnly(evaluateGovaluate(textOf(input, 'expr'), environmentOf(input)))),
  },
  fasttemplate: { summary: 'tags without expressions; env, start, end, unresolved', main: 'template', evaluate: fastTemplate },
  argoTemplate: {
    summary: 'text with {{tags}} and {{=expressions}}; env, unresolved',
    main: 'template',
    evaluate: (input) => {
      const unresolved = input['unresolved'] === 'deny' ? 'error' : 'keep';
      return { value: substitute(`"${textOf(input, 'template')}"`, environmentOf(input), { unresolved }).slice(1, -1) };
    },
  },
  labels: {
    summary: 'a label selector; labels',
    main: 'selector',
    evaluate: (input) => {
      const selector = parseLabelSelector(textOf(input, 'selector'));
      return {
        canonical: formatLabelSelector(selector),
        empty: selector.requirements.length === 0,
        matches: matchesLabels(selector, labelsOf(input)),
        requirements: selector.requirements.map(requirementOf),
      };
    },
  },
  labelSelector: {
    stage: 'convert',
    summary: 'matchLabels and matchExpressions in `value`; labels',
    main: 'value',
    evaluate: (input) => {
      const selector = labelSelectorFrom(input['value'] ?? {});
      const canonical = formatLabelSelector(selector);
      return { canonical, format: canonical === '' ? '<none>' : canonical, matches: matchesLabels(selector, labelsOf(input)) };
    },
  },
  fields: {
    summary: 'a field selector; labels',
    main: 'selector',
    evaluate: (input) => {
      const selector = parseFieldSelector(textOf(input, 'selector'));
      return {
        canonical: formatFieldSelector(selector),
        matches: matchesFields(selector, labelsOf(input)),
        requirements: selector.map(fieldRequirementOf),
      };
    },
  },
  condition: {
    summary: 'a success or failure condition of a resource; json',
    main: 'selector',
    evaluate: (input) => {
      const selector = parseLabelSelector(textOf(input, 'selector'));
      const each = selector.requirements.map((requirement) => matchesResource(requirement, textOf(input, 'json')));
      return { canonical: formatLabelSelector(selector), each };
    },
  },
  gjson: {
    summary: 'a path of gjson; json',
    main: 'path',
    evaluate: (input) => {
      const { exists, raw, type, text, number } = readGjson(textOf(input, 'json'), textOf(input, 'path'));
      const num = markedFromValue(new Float64(number));
      return { exists, type, raw, string: text, num, isArray: raw.startsWith('['), isObject: raw.startsWith('{') };
    },
  },
  jsonpath: {
    stage: 'query',
    summary: 'a JSONPath of an expression; json',
    main: 'path',
    evaluate: (input) => typedValue(queryJsonPath(textOf(input, 'json'), textOf(input, 'path'))),
  },
  kubeJsonpath: {
    summary: "kubectl's JSONPath template; json, unresolved",
    main: 'path',
    evaluate: (input) => ({
      value: renderKubeJsonPath(textOf(input, 'json'), textOf(input, 'path'), input['unresolved'] === 'allow'),
    }),
  },
  gojq: {
    summary: 'a jq program; json',
    main: 'expr',
    evaluate: async (input) => ({ outputs: await queryJq(textOf(input, 'expr'), textOf(input, 'json')) }),
  },
  quantity: { summary: 'a quantity of a resource; other', main: 's', evaluate: quantity },
  duration: { summary: 'a duration; type argo: a whole number is seconds', main: 's', evaluate: duration },
  time: { summary: 'a time in the layout `path`; tz, type parse', main: 's', evaluate: timeText },
  cron: { summary: 'the next times of a schedule; from, tz, n', main: 's', evaluate: nextTimes },
  valid: {
    summary: 'whether a name is valid; type',
    main: 's',
    evaluate: (input) => {
      const count = checkName(textOf(input, 'type') as NameKind, textOf(input, 's')).length;
      return { valid: count === 0, count };
    },
  },
  gofmt: {
    summary: 'how Go prints the value',
    main: 'value',
    evaluate: (input) => {
      const value = valueFromMarked(input['value']);
      return {
        v: goFormatValue(value),
        marshal: goJson(value),
        ...(typeof value === 'string' ? { quote: goQuote(value) } : {}),
      };
    },
  },
  smp: {
    summary: 'a strategic merge patch; original, type PodSpec, Container or Pod',
    main: 'patch',
    evaluate: (input) => ({
      json: strategicMergePatch(
        (input['original'] ?? {}) as KubernetesObject,
        input['patch'] as KubernetesObject | string,
        textOf(input, 'type') as MergeType,
      ),
    }),
  },
};
