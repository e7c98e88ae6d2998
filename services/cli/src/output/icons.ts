import type { NodeStatus, WorkflowPhase } from '#libs/workflow-spec';

/** How `argo get` marks a phase: one character and the ANSI colour code that goes with it. */
interface Mark {
  utf8: string;
  ascii: string;
  colour: number;
}

const MARKS: Record<string, Mark> = {
  Pending: { utf8: '◷', ascii: 'Pending', colour: 33 },
  Running: { utf8: '●', ascii: 'Running', colour: 36 },
  Succeeded: { utf8: '✔', ascii: 'Succeeded', colour: 32 },
  Skipped: { utf8: '○', ascii: 'Skipped', colour: 39 },
  Omitted: { utf8: '○', ascii: 'Omitted', colour: 39 },
  Failed: { utf8: '✖', ascii: 'Failed', colour: 31 },
  Error: { utf8: '⚠', ascii: 'Error', colour: 31 },
};
const SUSPENDED: Mark = { utf8: 'ǁ', ascii: 'Suspended', colour: 36 };

export interface TextStyle {
  colour: boolean;
  utf8: boolean;
}

/** Wraps text in an ANSI colour where the style wants colours. */
const paint = (text: string, colour: number, style: TextStyle): string =>
  style.colour ? `\u001b[${colour}m${text}\u001b[0m` : text;

/** The mark of a node; a suspended one that still waits has its own. */
export const nodeIcon = (node: NodeStatus, style: TextStyle): string => {
  const mark = node.type === 'Suspend' && node.phase === 'Running' ? SUSPENDED : MARKS[node.phase ?? 'Pending'];
  if (!mark) return '';
  return paint(style.utf8 ? mark.utf8 : mark.ascii, mark.colour, style);
};

/** The phase of a workflow in its colour, for tables and headers. */
export const workflowPhaseText = (phase: WorkflowPhase | undefined, style: TextStyle): string =>
  phase ? paint(phase, MARKS[phase]?.colour ?? 39, style) : 'Pending';

const POD_COLOURS = [31, 32, 33, 34, 35, 36] as const;

/** The name of a pod before a line of its log, in a colour that it always has. */
export const podNameText = (podName: string, style: TextStyle): string => {
  const sum = [...podName].reduce((total, character) => total + character.charCodeAt(0), 0);
  return paint(podName, POD_COLOURS[sum % POD_COLOURS.length] ?? 36, style);
};
