import { describe, expect, it } from 'vitest';
import type { Template } from '#libs/workflow-spec';
import { afterGcReport, collectsArtifacts } from './collection-report.js';

const failed = 'Artifact Garbage Collection failed for strategy OnWorkflowDeletion, err:refused';

describe('the deletion of artifacts in the status', () => {
  it('shows what was carried out, and a condition as long as something fails', () => {
    const begun = { phase: 'Succeeded', conditions: [{ type: 'Completed', status: 'True' }] } as const;
    const failing = afterGcReport(
      { ...begun, conditions: [...begun.conditions] },
      { strategies: ['OnWorkflowDeletion'], error: failed },
    );
    expect(failing).toMatchObject({
      conditions: [
        { type: 'Completed', status: 'True' },
        { type: 'ArtifactGCError', status: 'True', message: failed },
      ],
      artifactGCStatus: { strategiesProcessed: { OnWorkflowDeletion: true } },
    });
    expect(afterGcReport(failing, { strategies: ['OnWorkflowDeletion'], error: failed })).toBe(failing);
    expect(afterGcReport(failing, { strategies: ['OnWorkflowDeletion'] }).conditions).toEqual([
      { type: 'Completed', status: 'True' },
    ]);
  });

  it('is specified by a workflow, or by one output of a template', () => {
    const outputs = (strategy: '' | 'Never' | 'OnWorkflowCompletion'): Template[] => [
      { name: 't', outputs: { artifacts: [{ name: 'a', artifactGC: { strategy } }] } },
    ];
    expect(collectsArtifacts({}, outputs('OnWorkflowCompletion'))).toBe(true);
    expect(collectsArtifacts({ artifactGC: { strategy: 'OnWorkflowDeletion' } }, outputs(''))).toBe(true);
    for (const strategy of ['', 'Never'] as const) expect(collectsArtifacts({}, outputs(strategy))).toBe(false);
    expect(collectsArtifacts({ artifactGC: { strategy: 'Never' } }, [])).toBe(false);
  });
});
