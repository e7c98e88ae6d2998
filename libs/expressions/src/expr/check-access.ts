import { timeMethodNames } from '../golang/time-methods.js';
import { type MemberNode } from './ast.js';
import { reject } from './source-error.js';
import { FUNC, INT, takesKey, UNKNOWN, type StaticType } from './static-type.js';

const mayBeIndex = (type: StaticType): boolean => type.kind === 'int' || type.kind === 'unknown';

/** `value.name` of a value without members of that name, or `value[key]` of one without elements. */
function noSuchMember({ property, method, at }: MemberNode, base: StaticType, key: StaticType): never {
  if (property.kind !== 'string') return reject(`type ${base.name}[${key.name}] is undefined`, at);
  const what = `${method ? 'method' : 'field'} ${property.value}`;
  return reject(`type ${base.kind === 'nil' ? 'nil' : base.name} has no ${what}`, at);
}

/** The type of `base.name` or `base[key]`. */
export function typeOfMember(node: MemberNode, base: StaticType, key: StaticType): StaticType {
  const { property } = node;
  switch (base.kind) {
    case 'unknown':
      return UNKNOWN;
    case 'map':
      return takesKey(base, key) ? UNKNOWN : reject(`cannot use ${key.name} to get an element from ${base.name}`, property.at);
    case 'array':
    case 'bytes':
      if (mayBeIndex(key)) return base.element ?? INT;
      return reject(`array elements can only be selected using an integer (got ${key.name})`, property.at);
    default:
      if (property.kind === 'string' && timeMethodNames(base.kind).has(property.value)) return FUNC;
      return noSuchMember(node, base, key);
  }
}

const SLICED: ReadonlySet<string> = new Set(['unknown', 'string', 'bytes', 'array']);

/** The type of `base[from:to]`, which is that of its base. */
export function typeOfSlice(base: StaticType, at: number, bounds: readonly { type: StaticType; at: number }[]): StaticType {
  if (!SLICED.has(base.kind)) reject(`cannot slice ${base.name}`, at);
  for (const bound of bounds) if (!mayBeIndex(bound.type)) reject(`non-integer slice index ${bound.type.name}`, bound.at);
  return base;
}
