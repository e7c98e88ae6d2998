import { KubectlError } from './kubectl-error.js';
import { kindOfWord, type ObjectKind } from './object-kinds.js';

/** What a template's `flags` say beside or instead of its manifest. */
export interface KubectlArguments {
  /** Objects that are named (`pod x`, `cm/x`). */
  targets: { kind: ObjectKind; name: string }[];
  /** A kind without names, for a selector. */
  kind?: ObjectKind;
  selector?: string;
  namespace?: string;
  /** `--type` of a patch. */
  type?: string;
  all: boolean;
}

const VALUE_FLAGS: Readonly<Record<string, 'selector' | 'namespace' | 'type'>> = {
  '-l': 'selector',
  '--selector': 'selector',
  '-n': 'namespace',
  '--namespace': 'namespace',
  '--type': 'type',
};
/** Flags that change nothing where there is no cluster: no schema of a cluster to check against, deletion is at once and whole. */
const WITHOUT_EFFECT = new Set([
  '--validate',
  '--ignore-not-found',
  '--wait',
  '--force',
  '--grace-period',
  '--cascade',
  '--now',
  '--field-manager',
  '--save-config',
  '--overwrite',
  '--timeout',
]);
/** Of those, the ones whose value may stand in the next word. */
const TAKES_WORD = new Set(['--grace-period', '--timeout', '--field-manager']);

/** The kind of a word; KubectlError where only Kubernetes has it. */
const wordKind = (word: string): ObjectKind => {
  const kind = kindOfWord(word);
  if (kind === undefined)
    throw new KubectlError(
      `error: the server doesn't have a resource type ${JSON.stringify(word)}: objects of other kinds need Kubernetes, and there is none here`,
    );
  return kind;
};

const targetsOf = (words: readonly string[]): Pick<KubectlArguments, 'targets' | 'kind'> => {
  const [first, ...names] = words;
  if (first === undefined) return { targets: [] };
  if (first.includes('/')) {
    return {
      targets: words.map((word) => {
        const [kind = '', name = ''] = word.split('/');
        return { kind: wordKind(kind), name };
      }),
    };
  }
  const kind = wordKind(first);
  return names.length === 0 ? { targets: [], kind } : { targets: names.map((name) => ({ kind, name })) };
};

/** Reads `flags` as kubectl reads its command line. Throws KubectlError for a flag or a kind that is not known here. */
export const parseArguments = (flags: readonly string[]): KubectlArguments => {
  const words: string[] = [];
  const values: Partial<Record<'selector' | 'namespace' | 'type', string>> = {};
  let all = false;
  for (let at = 0; at < flags.length; at += 1) {
    const flag = flags[at] ?? '';
    const [name = '', ...rest] = flag.split('=');
    const field = VALUE_FLAGS[name];
    if (!flag.startsWith('-')) words.push(flag);
    else if (field !== undefined) values[field] = rest.length > 0 ? rest.join('=') : (flags[(at += 1)] ?? '');
    else if (name === '--all') all = true;
    else if (!WITHOUT_EFFECT.has(name)) throw new KubectlError(`error: unknown flag: ${name}`);
    else if (rest.length === 0 && TAKES_WORD.has(name)) at += 1;
  }
  return { ...targetsOf(words), ...values, all };
};
