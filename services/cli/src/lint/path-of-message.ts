import type { ValuePath } from '#libs/workflow-spec';

type Path = (string | number)[];
type Container = Readonly<Record<string, unknown>> | readonly unknown[];

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;
const memberOf = (value: unknown, key: string | number): unknown =>
  isContainer(value) && Object.hasOwn(value, key) ? (value as Record<string | number, unknown>)[key] : undefined;
const nameOf = (value: unknown): unknown => memberOf(value, 'name');

/** A value and the path to it. */
interface Found {
  value: unknown;
  path: Path;
}

const into = ({ value, path }: Found, ...keys: Path): Found =>
  keys.reduce<Found>((found, key) => ({ value: memberOf(found.value, key), path: [...found.path, key] }), { value, path });

/** Lists that Argo's messages leave out between a field and its member. */
const HIDDEN: Readonly<Record<string, Path>> = { tasks: ['dag', 'tasks'], targets: ['dag', 'target'] };

const stepInto = (from: Found, segment: string): Found | undefined => {
  if (Array.isArray(from.value)) {
    const at = from.value.findIndex((item) => nameOf(item) === segment);
    return at < 0 ? undefined : into(from, at);
  }
  const [, field = segment, index] = /^([^[\]]+)\[(\d+)\]$/.exec(segment) ?? [];
  const below = memberOf(from.value, field) === undefined ? HIDDEN[field] : [field];
  const next = into(from, ...(below ?? [field]), ...(index === undefined ? [] : [Number(index)]));
  return next.value === undefined ? undefined : next;
};

/** As far as the segments of a path lead. */
const follow = (start: Found, segments: readonly string[]): Found => {
  let found = start;
  for (const segment of segments) {
    const next = stepInto(found, segment);
    if (next === undefined) return found;
    found = next;
  }
  return found;
};

const specOf = (object: unknown): Found => {
  const spec = into({ value: object, path: [] }, 'spec');
  const inner = into(spec, 'workflowSpec');
  return isContainer(inner.value) ? inner : spec;
};

const WORD = /(?:^|[\s"])((?:templates|spec)\.[^\s"]+)/g;

/** The places that a message names, from the outside in: `templates.main.steps[0].a templates.leaf inputs.parameters.x was …`. */
const namedPlaces = (object: unknown, message: string): Found[] => {
  const places: Found[] = [];
  for (const [, word = ''] of message.matchAll(WORD)) {
    const segments = word.replace(/[:;,.]+$/, '').split('.');
    const isSpec = segments[0] === 'spec';
    const start = isSpec ? { value: object, path: [] } : specOf(object);
    const found = follow(start, segments);
    if (found.path.length > start.path.length + (isSpec ? 0 : 1)) places.push(found);
  }
  return places;
};

const QUOTED = /\{\{[^}]*\}\}|'([^']+)'|"([^"]+)"/g;

/** The first text below a value that has one of the quoted words of the message. */
const quotedBelow = (from: Found, message: string): Found | undefined => {
  const words = [...message.matchAll(QUOTED)].map(([whole, single, double]) => single ?? double ?? whole);
  for (const word of words) {
    const pending: Found[] = [from];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { value } = next;
      if (typeof value === 'string' && (word.startsWith('{{') ? value.includes(word) : value === word)) return next;
      if (!isContainer(value)) continue;
      const keys: Path = Array.isArray(value) ? [...value.keys()] : Object.keys(value).filter((key) => key !== 'name');
      for (const key of keys.reverse()) pending.push(into(next, key));
    }
  }
  return undefined;
};

const PLAIN_FIELD = /^([a-z][A-Za-z]*(?:\.[A-Za-z]+|\[\d+\])*): /;

/** Where in an object a message of its validation points, as exactly as its words allow; undefined where they name no place in it. */
export const pathOfMessage = (object: unknown, message: string): ValuePath | undefined => {
  const named = namedPlaces(object, message);
  const innermost = named.at(-1) ?? specOf(object);
  const quoted = quotedBelow(innermost, message);
  if (quoted) return quoted.path;
  if (named.length > 0) return innermost.path;
  const field = PLAIN_FIELD.exec(message)?.[1];
  const plain = field === undefined ? undefined : follow({ value: object, path: [] }, field.split('.'));
  if (plain && plain.path.length > 0) return plain.path;
  return innermost.value === undefined ? undefined : innermost.path;
};
