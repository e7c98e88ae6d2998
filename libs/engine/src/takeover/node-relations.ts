import { NodeType, type NodeStatus } from '#libs/workflow-spec';
import { UnreadableStatusError } from '../errors.js';
import type { NodeMemory } from '../state/node-memory.js';

/** What a node is to the others, as far as its name and its boundary say. */
export type NodeRelation = Pick<NodeMemory, 'owner' | 'role' | 'name' | 'index' | 'subject' | 'onExit'>;

const ATTEMPT = /^(.*)\((\d+)\)$/s;
const MEMBER = /^(.*?)\((\d+):.*\)$/s;
const HOOK = /^(.*)\.hooks\.([^.]+)$/s;
const STEP = /^(\[\d+\])\.(.*)$/s;
const GROUP = /^\[(\d+)\]$/;
const ON_EXIT = '.onExit';

/** The nodes of a status, asked by id and by name. */
class Nodes {
  private readonly byNames: ReadonlyMap<string, NodeStatus>;

  constructor(
    readonly workflow: string,
    private readonly byIds: Readonly<Record<string, NodeStatus>>,
  ) {
    this.byNames = new Map(Object.values(byIds).map((node) => [node.name, node]));
  }

  find(id: string | undefined): NodeStatus | undefined {
    return id === undefined || !Object.hasOwn(this.byIds, id) ? undefined : this.byIds[id];
  }
  byName(name: string): NodeStatus | undefined {
    return this.byNames.get(name);
  }
}

const unreadable = (node: NodeStatus, why: string): UnreadableStatusError =>
  new UnreadableStatusError(`status.nodes.${node.id}: ${why}: ${JSON.stringify(node.name)}`);

/** What an exit handler or a hook belongs to: it stands in the same boundary, and says itself that it is hooked. */
const subjectOf = (nodes: Nodes, node: NodeStatus, name: string | undefined): NodeStatus | undefined => {
  const subject = name === undefined ? undefined : nodes.byName(name);
  return subject?.boundaryID === node.boundaryID && node.nodeFlag?.hooked === true ? subject : undefined;
};

/** Whoever owns the subject waits for its exit handlers and hooks; those of the workflow are its own. */
const ownerOfSubject = (nodes: Nodes, subject: NodeStatus): string =>
  subject.name === nodes.workflow ? '' : relationOf(nodes, subject).owner;

const hookedRelation = (nodes: Nodes, node: NodeStatus): NodeRelation | undefined => {
  const exited = subjectOf(nodes, node, node.name.endsWith(ON_EXIT) ? node.name.slice(0, -ON_EXIT.length) : undefined);
  if (exited !== undefined) return { owner: ownerOfSubject(nodes, exited), role: 'exit', subject: exited.id, onExit: true };
  const [, before, name = ''] = HOOK.exec(node.name) ?? [];
  const subject = subjectOf(nodes, node, before);
  if (subject === undefined) return undefined;
  return { owner: ownerOfSubject(nodes, subject), role: 'hook', name, subject: subject.id };
};

const attemptRelation = (nodes: Nodes, node: NodeStatus): NodeRelation | undefined => {
  const [, base, index] = ATTEMPT.exec(node.name) ?? [];
  const series = base === undefined ? undefined : nodes.byName(base);
  if (series?.type !== NodeType.Retry || series.boundaryID !== node.boundaryID) return undefined;
  return { owner: series.id, role: 'attempt', index: Number(index) };
};

const memberOf = (name: string): { name: string; index: number } | undefined => {
  const [, base = '', index] = MEMBER.exec(name) ?? [];
  return index === undefined ? undefined : { name: base, index: Number(index) };
};

const stepRelation = (nodes: Nodes, node: NodeStatus, boundary: NodeStatus): NodeRelation | undefined => {
  const [, place, rest = ''] = STEP.exec(node.name.slice(boundary.name.length)) ?? [];
  const group = place === undefined ? undefined : nodes.byName(`${boundary.name}${place}`);
  if (group === undefined) return undefined;
  const member = memberOf(rest);
  return member === undefined ? { owner: group.id, role: 'step', name: rest } : { owner: group.id, role: 'item', ...member };
};

const taskRelation = (nodes: Nodes, node: NodeStatus, boundary: NodeStatus): NodeRelation | undefined => {
  const rest = node.name.slice(boundary.name.length + 1);
  const member = memberOf(rest);
  if (member === undefined) return { owner: boundary.id, role: 'task', name: rest };
  const loop = nodes.byName(`${boundary.name}.${member.name}`);
  return loop === undefined ? undefined : { owner: loop.id, role: 'item', ...member };
};

const insideBoundary = (nodes: Nodes, node: NodeStatus, boundary: NodeStatus): NodeRelation | undefined => {
  if (!node.name.startsWith(boundary.name)) return undefined;
  if (node.type === NodeType.Container)
    return { owner: boundary.id, role: 'container', name: node.name.slice(boundary.name.length + 1) };
  if (node.type === NodeType.StepGroup) {
    const [, index] = GROUP.exec(node.name.slice(boundary.name.length)) ?? [];
    return index === undefined ? undefined : { owner: boundary.id, role: 'group', index: Number(index) };
  }
  if (boundary.type === NodeType.Steps) return stepRelation(nodes, node, boundary);
  return boundary.type === NodeType.DAG ? taskRelation(nodes, node, boundary) : undefined;
};

const relationOf = (nodes: Nodes, node: NodeStatus): NodeRelation => {
  if (node.name === nodes.workflow) return { owner: '', role: 'root' };
  // Attempts of hooks are hooked as well.
  const known = attemptRelation(nodes, node) ?? hookedRelation(nodes, node);
  if (known !== undefined) return known;
  const boundary = nodes.find(node.boundaryID);
  // The exit handler of a workflow whose flags an older controller has not set.
  if (boundary === undefined && node.name === `${nodes.workflow}${ON_EXIT}`)
    return { owner: '', role: 'exit', subject: nodes.workflow, onExit: true };
  const relation = boundary === undefined ? undefined : insideBoundary(nodes, node, boundary);
  if (relation === undefined) throw unreadable(node, 'its place cannot be told from its name');
  return relation;
};

/**
 * What started each node and is to be told of its end, from the names that Argo gives (node_id.go: `[n]`, `.step`, `(n)`, `(n:item)`,
 * `.onExit`, `.hooks.name`) and the boundaries. Throws UnreadableStatusError, which names the node, where a name tells no place.
 */
export const nodeRelations = (workflow: string, byIds: Readonly<Record<string, NodeStatus>>): Map<string, NodeRelation> => {
  const nodes = new Nodes(workflow, byIds);
  const relations = new Map<string, NodeRelation>();
  for (const [id, node] of Object.entries(byIds)) {
    if (node.id !== id) throw unreadable(node, `it has another id, ${JSON.stringify(id)}`);
    relations.set(id, relationOf(nodes, node));
  }
  const root = nodes.byName(workflow);
  if (root !== undefined && root.id !== workflow)
    throw unreadable(root, 'the first node has to have the name of the workflow as its id');
  for (const [id, relation] of relations) if (isWithinExit(relations, relation)) relations.set(id, { ...relation, onExit: true });
  return relations;
};

/** At any depth below an exit handler: its steps, their attempts and hooks. */
const isWithinExit = (relations: ReadonlyMap<string, NodeRelation>, relation: NodeRelation): boolean => {
  for (let at: NodeRelation | undefined = relation; at !== undefined; at = around(relations, at)) {
    if (at.role === 'exit') return true;
  }
  return false;
};

const around = (relations: ReadonlyMap<string, NodeRelation>, { role, owner, subject }: NodeRelation): NodeRelation | undefined =>
  relations.get(role === 'hook' ? (subject ?? '') : owner);
