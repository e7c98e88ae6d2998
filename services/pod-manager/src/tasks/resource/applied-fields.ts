/** One entry of `metadata.managedFields`: who wrote which fields, as the server keeps it. */
export interface ManagedFields {
  manager?: string;
  operation?: string;
  subresource?: string;
  fieldsV1?: FieldTree;
  [field: string]: unknown;
}
interface FieldTree {
  [path: string]: FieldTree;
}

const CLIENT_SIDE = 'kubectl-client-side-apply';

const isClientSide = ({ manager, operation, subresource }: ManagedFields): boolean =>
  manager === CLIENT_SIDE && operation === 'Update' && !subresource;
const isServerSide = ({ manager, operation, subresource }: ManagedFields, ours: string): boolean =>
  manager === ours && operation === 'Apply' && !subresource;

/**
 * Field managers after `kubectl apply` has gone over from applying on its own side to the server's: what it owned that way it owns as `manager`, so that fields
 * which are no longer written go. Undefined where there is nothing to change.
 */
export const asServerSideApplied = (entries: readonly ManagedFields[], manager: string): ManagedFields[] | undefined => {
  const before = entries.find(isClientSide);
  if (before === undefined) return undefined;
  const applied = entries.find((entry) => isServerSide(entry, manager));
  const { fieldsV1 = {} } = before;
  const after = { ...before, ...applied, manager, operation: 'Apply', fieldsV1: united(fieldsV1, applied?.fieldsV1 ?? {}) };
  return [after, ...entries.filter((entry) => !isClientSide(entry) && entry !== applied)];
};

const united = (left: FieldTree, right: FieldTree): FieldTree => {
  const both: FieldTree = { ...left };
  for (const [path, below] of Object.entries(right)) both[path] = united(left[path] ?? {}, below);
  return both;
};
