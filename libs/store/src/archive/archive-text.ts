import { type Workflow } from '#libs/workflow-spec';

/** What Argo writes instead of U+0000, which jsonb refuses (its ARGO_POSTGRES_NULL_REPLACEMENT's default). */
export const DEFAULT_NULL_REPLACEMENT = 'ARGO_POSTGRES_NULL_REPLACEMENT';

/** An escape sequence that does not begin in the middle of an escaped backslash. */
const ESCAPE = /(\\\\)|\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})/g;
const NULL_ESCAPE = '\\u0000';

/** JSON text without halves of surrogate pairs, which databases refuse: they become U+FFFD (JSON.stringify escapes only halves). */
export const withoutHalfCharacters = (json: string, nullText = NULL_ESCAPE): string =>
  json.replace(ESCAPE, (match, backslash: string | undefined, code: string | undefined) => {
    if (backslash !== undefined) return match;
    return code === '0000' ? nullText : '\ufffd';
  });

/** JSON text that jsonb accepts: U+0000 is replaced as well. */
export function toArchiveText(workflow: Workflow, nullReplacement: string): string {
  return withoutHalfCharacters(JSON.stringify(workflow), nullReplacement);
}

/** The reverse of `toArchiveText`, as far as it can be reversed. */
export function fromArchiveText(text: string, nullReplacement: string): Workflow {
  return JSON.parse(text.replaceAll(nullReplacement, NULL_ESCAPE)) as Workflow;
}
