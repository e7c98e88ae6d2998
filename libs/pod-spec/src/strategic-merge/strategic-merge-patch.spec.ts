import { readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { sharedFolder } from '#libs/testing';
import type { KubernetesObject } from '#libs/workflow-spec';

import { PatchError } from '../errors.js';
import type { MergeType } from './merge-schema.js';
import { strategicMergePatch } from './strategic-merge-patch.js';

interface MergeCase {
  id: string;
  kind: string;
  in: { original: KubernetesObject; patch: KubernetesObject | string; type: MergeType };
  ok: boolean;
  stage?: string;
  error?: string;
  result?: { json: KubernetesObject };
}

const recorded = (): MergeCase[] => {
  const folder = sharedFolder('conformance', 'expressions');
  if (folder === undefined) return [];
  const lines = readFileSync(path.join(folder, 'cases.jsonl'), 'utf8').split('\n');
  return lines.filter((line) => line.includes('"smp"')).map((line) => JSON.parse(line) as MergeCase);
};

describe('the strategic merge', () => {
  const spec: KubernetesObject = { containers: [{ name: 'main', image: 'a' }, { name: 'wait' }], tolerations: [{ key: 'a' }] };

  it('merges containers by name and replaces lists without a key', () => {
    const patch = 'containers:\n- name: main\n  image: b\ntolerations: [{key: b}]';
    expect(strategicMergePatch(spec, patch, 'PodSpec')).toEqual({
      containers: [{ name: 'main', image: 'b' }, { name: 'wait' }],
      tolerations: [{ key: 'b' }],
    });
  });

  it('leaves the original as it is', () => {
    const before = JSON.stringify(spec);
    strategicMergePatch(spec, { containers: [{ name: 'main', $patch: 'delete' }] }, 'PodSpec');
    expect(JSON.stringify(spec)).toBe(before);
  });

  it('refuses a member without its key', () => {
    expect(() => strategicMergePatch(spec, { containers: [{ image: 'b' }] }, 'PodSpec')).toThrow(PatchError);
  });

  const cases = recorded();
  it.skipIf(cases.length === 0)('gives what Kubernetes gave for every recorded patch', () => {
    const wrong = cases.flatMap((recording) => {
      let answer: unknown;
      try {
        answer = strategicMergePatch(recording.in.original, recording.in.patch, recording.in.type);
      } catch (error) {
        answer = error instanceof PatchError ? { stage: error.stage, error: error.message } : error;
      }
      const expected = recording.ok ? recording.result?.json : { stage: recording.stage, error: recording.error };
      try {
        expect(answer).toEqual(expected);
        return [];
      } catch {
        return [{ id: recording.id, patch: recording.in.patch, answer, expected }];
      }
    });
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThan(50);
  });
});
