import { tableText } from '../output/table.js';

/** One thing that was looked at. `advice` says what to do where it is not well. */
export interface Finding {
  name: string;
  state: 'ok' | 'warning' | 'failed';
  message: string;
  advice?: string;
}

const SYMBOLS: Record<Finding['state'], string> = { ok: '✔', warning: '⚠', failed: '✖' };

/** A line for each finding, with what to do below it, and how many need a hand. */
export const findingsText = (findings: readonly Finding[], { utf8 }: { utf8: boolean }): string => {
  const rows = findings.flatMap(({ name, state, message, advice }) => [
    [utf8 ? SYMBOLS[state] : state, name, message],
    ...(advice === undefined || state === 'ok' ? [] : [['', '', `  ${advice}`]]),
  ]);
  const needy = findings.filter(({ state }) => state !== 'ok').length;
  return `${tableText(rows)}\n${findings.length} looked at, ${needy === 0 ? 'all well' : `${needy} ${needy === 1 ? 'needs' : 'need'} a hand`}`;
};
