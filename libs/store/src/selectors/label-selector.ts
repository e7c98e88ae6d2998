import { InvalidArgumentError } from '#libs/workflow-spec';

/** One term of a Kubernetes label selector. `gt` and `lt` compare integers. */
export type LabelRequirement =
  | { key: string; operator: 'in' | 'notin'; values: string[] }
  | { key: string; operator: 'exists' | 'absent' }
  | { key: string; operator: 'gt' | 'lt'; value: number };

const KEY = '[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?';
const SET_TERM = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUALITY_TERM = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([^=!<>\\s]*)$`);
const ORDER_TERM = new RegExp(`^(${KEY})\\s*(<|>)\\s*(-?\\d+)$`);
const EXISTS_TERM = new RegExp(`^(!?)\\s*(${KEY})$`);

/**
 * Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1` as Kubernetes does; '' selects everything.
 * Throws InvalidArgumentError naming the term that cannot be read.
 */
export function parseLabelSelector(text: string): LabelRequirement[] {
  return splitTerms(text).map(parseTerm);
}

/** Commas inside parentheses separate values, not terms. */
function splitTerms(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '');
}

function parseTerm(term: string): LabelRequirement {
  const set = SET_TERM.exec(term);
  if (set)
    return {
      key: set[1] ?? '',
      operator: set[3] as 'in' | 'notin',
      values: (set[4] ?? '').split(',').map((value) => value.trim()),
    };
  const equality = EQUALITY_TERM.exec(term);
  if (equality) return { key: equality[1] ?? '', operator: equality[3] === '!=' ? 'notin' : 'in', values: [equality[4] ?? ''] };
  const order = ORDER_TERM.exec(term);
  if (order) return { key: order[1] ?? '', operator: order[3] === '>' ? 'gt' : 'lt', value: Number(order[4]) };
  const exists = EXISTS_TERM.exec(term);
  if (exists) return { key: exists[2] ?? '', operator: exists[1] === '!' ? 'absent' : 'exists' };
  throw new InvalidArgumentError(`unable to parse requirement: ${JSON.stringify(term)}`);
}

/** Whether labels satisfy every requirement; an absent label satisfies `notin` and `absent` only. */
export function matchesLabels(requirements: readonly LabelRequirement[], labels: Readonly<Record<string, string>>): boolean {
  return requirements.every((requirement) => matches(requirement, labels[requirement.key]));
}

function matches(requirement: LabelRequirement, value: string | undefined): boolean {
  switch (requirement.operator) {
    case 'in':
      return value !== undefined && requirement.values.includes(value);
    case 'notin':
      return value === undefined || !requirement.values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'gt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > requirement.value;
    case 'lt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < requirement.value;
  }
}
