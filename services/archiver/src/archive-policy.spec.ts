import { describe, expect, it } from 'vitest';
import { parseControllerConfig } from '#libs/workflow-spec';
import { archivePolicyOf } from './archive-policy.js';

const VARIABLES = { enabled: true, labels: [], ttlMs: 5 };
const policyOf = (persistence: string) => archivePolicyOf(VARIABLES, parseControllerConfig({ persistence }));

describe('what is archived', () => {
  it('is what the variables say where the ConfigMap has no persistence', () => {
    expect(archivePolicyOf(VARIABLES, {})).toBe(VARIABLES);
  });

  it('is nothing where persistence does not switch the archive on', () => {
    expect(policyOf('nodeStatusOffLoad: true')).toEqual({ enabled: false, labels: [], ttlMs: undefined });
  });

  it('is what persistence selects, for as long as it says', () => {
    const { enabled, labels, ttlMs } = policyOf(
      'archive: true\narchiveTTL: 1d\narchiveLabelSelector:\n  matchLabels: {team: red}\n  matchExpressions: [{key: env, operator: NotIn, values: [test]}]',
    );
    expect([enabled, ttlMs]).toEqual([true, 86_400_000]);
    expect(labels).toHaveLength(2);
    expect(JSON.stringify(labels)).toContain('red');
  });
});
