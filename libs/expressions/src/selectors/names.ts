/** The kinds of names Kubernetes checks. */
export type NameKind = 'dns1123label' | 'dns1123subdomain' | 'dns1035label' | 'labelValue' | 'qualifiedName' | 'envVarName';

const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const DNS1123_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const DNS1123_SUBDOMAIN = `${DNS1123_LABEL}(\\.${DNS1123_LABEL})*`;
const DNS1035_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?';
const ENV_VAR = '[-._a-zA-Z][-._a-zA-Z0-9]*';

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const tooLong = (limit: number): string => `must be no more than ${limit} bytes`;

function withExamples(message: string, pattern: string, ...examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}'`).join(',  or ');
  return `${message} (e.g. ${shown}, regex used for validation is '${pattern}')`;
}

interface NameRule {
  readonly pattern: string;
  readonly limit: number;
  readonly message: string;
}

const rule = (pattern: string, limit: number, message: string, ...examples: readonly string[]): NameRule => ({
  pattern,
  limit,
  message: withExamples(message, pattern, ...examples),
});

const RULES: Readonly<Record<Exclude<NameKind, 'qualifiedName'>, NameRule>> = {
  dns1123label: rule(
    DNS1123_LABEL,
    63,
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    'my-name',
    '123-abc',
  ),
  dns1123subdomain: rule(
    DNS1123_SUBDOMAIN,
    253,
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    'example.com',
  ),
  dns1035label: rule(
    DNS1035_LABEL,
    63,
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    'my-name',
    'abc-123',
  ),
  labelValue: rule(
    `(${QUALIFIED})?`,
    63,
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    'MyValue',
    'my_value',
    '12345',
  ),
  envVarName: rule(
    ENV_VAR,
    Number.MAX_SAFE_INTEGER,
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
    'my.env-name',
    'MY_ENV.NAME',
    'MyEnvName1',
  ),
};
const QUALIFIED_RULE = rule(
  QUALIFIED,
  63,
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyName',
  'my.name',
  '123-abc',
);

function checkRule(name: string, { pattern, limit, message }: NameRule): string[] {
  const faults = name.length > limit ? [tooLong(limit)] : [];
  return whole(pattern).test(name) ? faults : [...faults, message];
}

/** A label key: a name, or a DNS subdomain, a slash and a name. */
function checkQualifiedName(text: string): string[] {
  const parts = text.split('/');
  if (parts.length > 2) {
    return [
      withExamples(
        `a valid label key ${QUALIFIED_RULE.message.split(' (e.g.')[0] ?? ''}`,
        QUALIFIED,
        'MyName',
        'my.name',
        '123-abc',
      ) + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  const faults: string[] = [];
  const prefix = parts.length === 2 ? parts[0] : undefined;
  const name = parts.at(-1) ?? '';
  if (prefix === '') faults.push('prefix part must be non-empty');
  else if (prefix !== undefined) faults.push(...checkName('dns1123subdomain', prefix).map((fault) => `prefix part ${fault}`));
  if (name === '') faults.push('name part must be non-empty');
  return [...faults, ...checkRule(name, QUALIFIED_RULE).map((fault) => `name part ${fault}`)];
}

/** What is wrong with a name of that kind, in Kubernetes' words; empty when nothing is. */
export const checkName = (kind: NameKind, name: string): string[] =>
  kind === 'qualifiedName' ? checkQualifiedName(name) : checkRule(name, RULES[kind]);
