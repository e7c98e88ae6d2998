import { UserError } from './errors.js';
import type { NodeStatus } from './model/status.js';

interface Requirement {
  key: string;
  isEqual: boolean;
  value: string;
}
type SelectedNode = Omit<NodeStatus, 'id'> & { id?: string };

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

const valueOf = (node: SelectedNode, key: string): string => {
  const parameter = INPUT_VALUE.exec(key)?.[1];
  if (parameter !== undefined) return node.inputs?.parameters?.find(({ name }) => name === parameter)?.value ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    displayName: node.displayName,
    templateName: node.templateName,
    phase: node.phase,
    name: node.name,
    id: node.id,
    'templateRef.name': node.templateRef?.name,
    'templateRef.template': node.templateRef?.template,
  };
  return fields[key] ?? '';
};

/** A test for nodes from a Kubernetes field selector over Argo's node fields. Throws UserError where it cannot be read. */
export const nodeMatcher = (selector: string): ((node: SelectedNode) => boolean) => {
  const requirements = parse(selector);
  return (node) => requirements.every(({ key, isEqual, value }) => (valueOf(node, key) === value) === isEqual);
};
