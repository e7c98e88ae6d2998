import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedFolder, sharedFolderHint } from '#libs/testing';
import { decodeClusterWorkflowTemplate, decodeCronWorkflow, decodeWorkflow, decodeWorkflowTemplate } from './index.js';

interface Recording {
  file: string;
  first: boolean;
  workflow: { kind: string };
  others: { kind: string }[];
}

const DECODERS: Record<string, (value: unknown) => { unsupported: readonly string[] }> = {
  Workflow: decodeWorkflow,
  WorkflowTemplate: decodeWorkflowTemplate,
  ClusterWorkflowTemplate: decodeClusterWorkflowTemplate,
  CronWorkflow: decodeCronWorkflow,
};

const recordings = (folder: string): Recording[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const read = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Partial<Recording> & { workflow: { kind: string } };
      return { file: name, first: read.first === true, workflow: read.workflow, others: read.others ?? [] };
    });

const root = sharedFolder('conformance');
describe.skipIf(root === undefined)(
  `decoding what the real engine accepted (${root ? 'found' : sharedFolderHint('conformance')})`,
  () => {
    it.each(['random', 'examples', 'e2e'])(
      'takes every object of %s, and refuses by name only what the language of now lacks',
      (group) => {
        const failures: string[] = [];
        for (const recording of recordings(join(root ?? '', group))) {
          for (const object of [recording.workflow, ...recording.others]) {
            const decode = DECODERS[object.kind];
            if (decode === undefined) continue;
            try {
              const { unsupported } = decode(object);
              if (recording.first && unsupported.length > 0) failures.push(`${recording.file}: ${unsupported.join('; ')}`);
            } catch (error) {
              failures.push(`${recording.file}: ${String(error)}`);
            }
          }
        }
        expect(failures).toEqual([]);
      },
    );
  },
);
