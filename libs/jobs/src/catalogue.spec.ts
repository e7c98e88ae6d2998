import { describe, expect, it } from 'vitest';

import { ArchiveJob, assertHandlersMatch, HandlerBindingError, JobCatalogue, PodJob, queueNameOf, WorkflowJob } from './index.js';

describe('job catalogue', () => {
  it('gives every job a queue, a pattern and a consumer of its own', () => {
    const jobs = Object.values(JobCatalogue);
    expect(new Set(jobs.map((job) => job.queue)).size).toBe(jobs.length);
    expect(new Set(jobs.map((job) => job.pattern)).size).toBe(jobs.length);
    expect(Object.keys(JobCatalogue)).toEqual(jobs.map((job) => job.queue));
  });

  it('keys pods by workflow and bucket, and sends those of a host on its lane', () => {
    const payload = { workflow: 'w1', bucket: 3, host: 'node:1' };
    expect(PodJob.keyOf(payload)).toBe('w1/3');
    expect(queueNameOf(PodJob, PodJob.laneOf?.(payload))).toBe('pod.node_1');
    expect(queueNameOf(PodJob)).toBe('pod');
  });

  it.each([{}, { workflow: '' }, { workflow: 'w', phase: 'Running' }])(
    'refuses a payload that names no row or carries facts: %j',
    (payload) => {
      expect(WorkflowJob.payload.safeParse(payload).success).toBe(false);
    },
  );

  it('names every job without exactly one handler, and handlers of jobs that were not claimed', () => {
    const check = (): void => assertHandlersMatch([WorkflowJob, PodJob], [PodJob.pattern, PodJob.pattern, ArchiveJob.pattern]);
    expect(check).toThrow(HandlerBindingError);
    expect(check).toThrow(
      /workflow.reconcile .* 0 handlers.*pod.converge .* 2 handlers.*archive.store, which this program does not claim/s,
    );
    expect(() => assertHandlersMatch([WorkflowJob], [WorkflowJob.pattern])).not.toThrow();
  });
});
