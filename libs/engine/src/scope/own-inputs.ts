import type { Template } from '#libs/workflow-spec';

/**
 * The inputs of a Steps or DAG template for its steps and outputs. Tags with them are filled before; expressions of its outputs,
 * and of values that the inputs themselves brought along, are evaluated here.
 */
export const ownInputs = ({ inputs }: Template): Map<string, string | null> =>
  new Map(
    (inputs?.parameters ?? []).flatMap(({ name, value }): [string, string][] =>
      value === undefined ? [] : [[`inputs.parameters.${name}`, value]],
    ),
  );
