const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** UTF-8 bytes of a text, lone surrogates as U+FFFD, without Node's or the browser's encoders. */
export function* utf8Bytes(text: string): Generator<number> {
  for (const character of text) {
    const read = character.codePointAt(0) ?? 0;
    const code = read >= 0xd800 && read <= 0xdfff ? 0xfffd : read;
    if (code < 0x80) yield code;
    else if (code < 0x800) {
      yield 0xc0 | (code >> 6);
      yield 0x80 | (code & 0x3f);
    } else if (code < 0x10000) {
      yield 0xe0 | (code >> 12);
      yield 0x80 | ((code >> 6) & 0x3f);
      yield 0x80 | (code & 0x3f);
    } else {
      yield 0xf0 | (code >> 18);
      yield 0x80 | ((code >> 12) & 0x3f);
      yield 0x80 | ((code >> 6) & 0x3f);
      yield 0x80 | (code & 0x3f);
    }
  }
}

/** FNV-1a, 32 bit, of the UTF-8 bytes, as an unsigned number: the hash in node ids and pod names. */
export const fnv1a32 = (text: string): number => {
  let hash = FNV_OFFSET;
  for (const byte of utf8Bytes(text)) hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0;
  return hash;
};

/** FNV-1 (not 1a), 32 bit, of the UTF-8 bytes, as an unsigned number: the hash in `offloadNodeStatusVersion` (`fnv:<N>`). */
export const fnv1x32 = (text: string): number => {
  let hash = FNV_OFFSET;
  for (const byte of utf8Bytes(text)) hash = (Math.imul(hash, FNV_PRIME) ^ byte) >>> 0;
  return hash;
};

/** The key of a node in `status.nodes`: the workflow's name for the root, else `<workflow>-<hash of the node's name>` (Argo's NodeID). */
export const nodeId = (workflowName: string, nodeName: string): string =>
  nodeName === workflowName ? workflowName : `${workflowName}-${fnv1a32(nodeName)}`;

/** Kubernetes allows 253 characters; ten go to the hash and one to its hyphen. */
const POD_NAME_PREFIX_LIMIT = 253 - 10 - 1;

export interface PodNameInput {
  workflowName: string;
  nodeName: string;
  /** The referenced template's name where a templateRef is used. */
  templateName: string;
  nodeId: string;
}

/** The name of a node's pod: v2 puts the template's name in (default), v1 is the node id (Argo's util/pod_name.go). */
export const podName = (
  { workflowName, nodeName, templateName, nodeId: id }: PodNameInput,
  version: 'v1' | 'v2' = 'v2',
): string => {
  if (version === 'v1') return id;
  if (nodeName === workflowName) return workflowName;
  const prefix = templateName === '' ? workflowName : `${workflowName}-${templateName}`;
  return `${prefix.slice(0, POD_NAME_PREFIX_LIMIT)}-${fnv1a32(nodeName)}`;
};

/** What people read instead of the node's name: the boundary's name and a leading `[n].` or `.` are taken off. */
export const displayName = (nodeName: string, boundaryName?: string): string => {
  if (boundaryName === undefined || !nodeName.startsWith(boundaryName)) return nodeName;
  return nodeName.slice(boundaryName.length).replace(/^(\[\d+\])?\./, '');
};

/** `<parent>[<index>]`, the group of steps with this index. */
export const stepGroupNodeName = (parentName: string, index: number): string => `${parentName}[${index}]`;

/** `<parent>.<child>`: a step below its group, a task below its DAG, a container below its pod. */
export const childNodeName = (parentName: string, name: string): string => `${parentName}.${name}`;

/** `<retry node>(<attempt>)`, attempts count from 0. */
export const attemptNodeName = (retryNodeName: string, attempt: number): string => `${retryNodeName}(${attempt})`;

/** `<parent>.onExit`. */
export const onExitNodeName = (parentName: string): string => `${parentName}.onExit`;

/** `<parent>.hooks.<hook>`; the hook called `exit` uses `onExitNodeName` instead. */
export const hookNodeName = (parentName: string, hookName: string): string => `${parentName}.hooks.${hookName}`;

/** `<name>(<index>:<description>)` of a loop's child; parentheses in the description are dropped. */
export const loopNodeName = (name: string, index: number, description: string): string =>
  `${name}(${index}:${description.replace(/[()]/g, '')})`;

/** Bytes that a text takes in UTF-8. */
export const utf8Length = (text: string): number => {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // Each half of a surrogate pair counts two, together four; a lone one is written as three and counted as two, which no limit depends on.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
  }
  return bytes;
};

/** Under which id the PersistentVolumeClaim of a workflow stands among its pods; no node has an id with a slash. */
export const claimOrderId = (claimName: string): string => `${CLAIM_PREFIX}${claimName}`;
/** Whether the id is that of a claim. */
export const isClaimOrderId = (id: string): boolean => id.startsWith(CLAIM_PREFIX);
const CLAIM_PREFIX = 'claim/';
