import type { EnvVar, KubernetesObject } from '#libs/workflow-spec';

/** Linux takes 128 KiB for one variable with its name; characters beyond ASCII take up to three bytes for each of these. */
const MAX_CHARACTERS = 40_000;

/** Kubernetes expands `$(NAME)` in the values of variables; a doubled `$` is a plain one. */
const escaped = (text: string): string => text.replaceAll('$', '$$$$');
const unescaped = (text: string): string => text.replaceAll('$$', '$');

/** A text as variables `NAME_0`, `NAME_1` … of a container, as one variable may not be as long. Read back by `longTextOf`, and in the pod by joining them. */
export function longTextVariables(name: string, text: string): EnvVar[] {
  const variables: EnvVar[] = [];
  for (let at = 0; at < text.length || variables.length === 0;) {
    const end = partEnd(text, at);
    variables.push({ name: `${name}_${variables.length}`, value: escaped(text.slice(at, end)) });
    at = end;
  }
  return variables;
}

/** The text that `longTextVariables` wrote into a container's variables; undefined where it is not there. */
export function longTextOf(name: string, variables: readonly KubernetesObject[]): string | undefined {
  const values = new Map(variables.map((variable) => [variable['name'], variable['value']]));
  const parts: string[] = [];
  for (let value = values.get(`${name}_0`); typeof value === 'string'; value = values.get(`${name}_${parts.length}`))
    parts.push(unescaped(value));
  return parts.length === 0 ? undefined : parts.join('');
}

/** A pair of surrogates stays together: halves do not survive UTF-8. */
function partEnd(text: string, at: number): number {
  const end = Math.min(text.length, at + MAX_CHARACTERS);
  const code = text.charCodeAt(end - 1);
  return end < text.length && code >= 0xd800 && code < 0xdc00 ? end - 1 : end;
}
