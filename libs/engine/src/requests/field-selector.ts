import { UserError } from '#libs/workflow-spec';
import type { TreeNode } from '../state/tree-node.js';

interface Requirement {
  key: string;
  isEqual: boolean;
  value: string;
}

const REQUIREMENT = /^\s*([^=!\s]+)\s*(!=|==?)\s*(.*?)\s*$/;

const parse = (selector: string): Requirement[] =>
  selector
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const match = REQUIREMENT.exec(part);
      if (match === null) throw new UserError(`invalid selector: '${selector}'; can't understand '${part}'`);
      return { key: match[1] ?? '', isEqual: match[2] !== '!=', value: match[3] ?? '' };
    });

const INPUT_VALUE = /^inputs\.parameters\.(.+)\.value$/;

const valueOf = ({ id, status }: TreeNode, key: string): string => {
  const parameter = INPUT_VALUE.exec(key)?.[1];
  if (parameter !== undefined) return status.inputs?.parameters?.find(({ name }) => name === parameter)?.value ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    displayName: status.displayName,
    templateName: status.templateName,
    phase: status.phase,
    name: status.name,
    id,
    'templateRef.name': status.templateRef?.name,
    'templateRef.template': status.templateRef?.template,
  };
  return fields[key] ?? '';
};

/** A test for nodes from a Kubernetes field selector over Argo's node fields. Throws UserError where it cannot be read. */
export const nodeSelector = (selector: string): ((node: TreeNode) => boolean) => {
  const requirements = parse(selector);
  return (node) => requirements.every(({ key, isEqual, value }) => (valueOf(node, key) === value) === isEqual);
};
