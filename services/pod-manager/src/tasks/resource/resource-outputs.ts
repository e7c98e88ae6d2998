import { renderKubeJsonPath } from '#libs/expressions';
import { queryJq } from '#libs/execution';
import { UserError, type Parameter } from '#libs/workflow-spec';

const isText = (output: string): boolean => output.startsWith('"');

/** Texts as they are, everything else as JSON on a line of its own, as Argo joins what jq gives. */
const jqText = (outputs: readonly string[]): string =>
  outputs.map((output) => (isText(output) ? (JSON.parse(output) as string) : `${output}\n`)).join('');

const valueOf = async ({ valueFrom = {} }: Parameter, json: string): Promise<string | undefined> => {
  const { jsonPath = '', jqFilter = '' } = valueFrom;
  if (jsonPath !== '') return renderKubeJsonPath(json, jsonPath);
  if (jqFilter !== '') return jqText(await queryJq(jqFilter, json));
  return undefined;
};

/**
 * The output parameters of a resource template, read from the object. What cannot be read takes its default. Throws UserError where it has none.
 */
export const readOutputs = async (parameters: readonly Parameter[], json: string): Promise<Parameter[]> => {
  const read: Parameter[] = [];
  for (const parameter of parameters) {
    const fallback = parameter.valueFrom?.default;
    const value = await valueOf(parameter, json).catch((error: unknown) => {
      if (fallback === undefined || !(error instanceof UserError)) throw error;
      return fallback;
    });
    read.push(value === undefined ? parameter : { ...parameter, value });
  }
  return read;
};
