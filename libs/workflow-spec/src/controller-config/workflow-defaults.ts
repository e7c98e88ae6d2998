import { z } from 'zod';
import { assertSupported, decodeWorkflow } from '../decode/decode-objects.js';
import { UserError } from '../errors.js';
import type { ObjectMeta, WorkflowSpec } from '../model/workflow.js';

/** What every workflow gets where it (and the template that it names) says nothing: Argo's `workflowDefaults`. */
export interface WorkflowDefaults {
  metadata: Pick<ObjectMeta, 'labels' | 'annotations' | 'finalizers'>;
  spec: WorkflowSpec;
}

/** `workflowDefaults`: a Workflow's metadata and spec, read as strictly as any workflow. */
export const workflowDefaultsSchema = z.record(z.string(), z.json()).transform((written, context): WorkflowDefaults => {
  try {
    const decoded = decodeWorkflow(written);
    assertSupported(decoded);
    const { labels, annotations, finalizers } = decoded.object.metadata;
    return {
      metadata: {
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(finalizers === undefined ? {} : { finalizers }),
      },
      spec: decoded.object.spec,
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    context.addIssue(error.message);
    return z.NEVER;
  }
});
