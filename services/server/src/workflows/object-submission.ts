import { createHash } from 'node:crypto';
import { WorkflowJob } from '#libs/jobs';
import { ResourceExistsError, type WorkflowObjects } from '#libs/resources';
import { type Store, WorkflowExistsError } from '#libs/store';
import { generatedName, type ReusedNodes, type Workflow } from '#libs/workflow-spec';
import { alreadyExists } from '../errors/errors.js';
import type { ServerContext } from '../ports.js';
import { randomName } from './workflow-names.js';

/** Names the request that made an object, so that the same request again finds it. */
const KEY_MARK = 'argosy.dev/idempotency-key';
/** Tells intake that rows with more than the object says are on their way. */
const AWAITED_MARK = 'argosy.dev/rows-follow';
const NAME_ATTEMPTS = 5;

/** Checks a named workflow before it is made; throws UserError. */
type Assertion = (workflow: Workflow) => void;

/** What a submission on a cluster brings along. */
export interface ObjectSubmissionOptions {
  idempotencyKey?: string | undefined;
  reuse?: ReusedNodes;
}

/**
 * Submits on a cluster, where the object is the only door: it is made first, its uid is that of the rows, and intake makes the rows if this
 * process dies in between. Only what of an earlier run is not repeated has no place in the object: dying in between, all of it is repeated.
 */
export class ObjectSubmission {
  constructor(
    private readonly store: Pick<Store, 'workflows'>,
    private readonly context: Pick<ServerContext, 'clock' | 'config' | 'queue'>,
  ) {}

  /** The object as it was made, or as the same request made it before. */
  async submit(
    objects: WorkflowObjects,
    workflow: Workflow,
    { check, ...options }: ObjectSubmissionOptions & { check: Assertion },
  ): Promise<Workflow> {
    const made = await this.make(objects, withMarks(workflow, options), { check, ...options });
    await this.insert(made, options.reuse ?? {});
    return made;
  }

  private async make(
    objects: WorkflowObjects,
    workflow: Workflow,
    { check, idempotencyKey: key }: ObjectSubmissionOptions & { check: Assertion },
  ): Promise<Workflow> {
    for (let attempt = 1; ; attempt += 1) {
      const named = withName(workflow, key);
      check(named);
      try {
        return await objects.create(named);
      } catch (error) {
        if (!(error instanceof ResourceExistsError)) throw error;
        const existing = await madeBefore(objects, named, key);
        if (existing !== undefined) return existing;
        if (workflow.metadata.name || key !== undefined || attempt === NAME_ATTEMPTS)
          throw alreadyExists('workflows', named.metadata.name ?? '');
      }
    }
  }

  /** Without waiting for intake; where rows of an earlier workflow of the name are still being removed, intake waits for that. */
  private async insert({ metadata, spec }: Workflow, reuse: ReusedNodes): Promise<void> {
    const { clock, config, queue } = this.context;
    try {
      await this.store.workflows.insert({
        submitted: { metadata, spec, ...(Object.keys(reuse).length === 0 ? {} : { reuse }) },
        createdAtMs: clock.nowMs(),
        instanceId: config.instanceId ?? '',
        hasClusterObject: true,
      });
      await queue.wake(WorkflowJob, { workflow: metadata.uid ?? '' });
    } catch (error) {
      if (!(error instanceof WorkflowExistsError)) throw error;
    }
  }
}

const withMarks = (workflow: Workflow, { idempotencyKey, reuse = {} }: ObjectSubmissionOptions): Workflow => {
  const annotations = {
    ...workflow.metadata.annotations,
    ...(idempotencyKey === undefined ? {} : { [KEY_MARK]: idempotencyKey }),
    ...(Object.keys(reuse).length === 0 ? {} : { [AWAITED_MARK]: 'true' }),
  };
  return Object.keys(annotations).length === 0 ? workflow : { ...workflow, metadata: { ...workflow.metadata, annotations } };
};

/** The object that the same request has made before. */
const madeBefore = async (
  objects: WorkflowObjects,
  { metadata: { namespace = '', name = '' } }: Workflow,
  key: string | undefined,
): Promise<Workflow | undefined> => {
  if (key === undefined) return undefined;
  const found = (await objects.find(namespace, name))?.workflow;
  return found?.metadata.annotations?.[KEY_MARK] === key ? found : undefined;
};

const withName = (workflow: Workflow, key: string | undefined): Workflow => {
  const { name, generateName, namespace = '' } = workflow.metadata;
  const generated = (base: string): string =>
    key === undefined ? randomName(base) : generatedName(base, suffixOf(namespace, key));
  return { ...workflow, metadata: { ...workflow.metadata, name: name || (generateName ? generated(generateName) : '') } };
};

/** The same name for the same request. */
const suffixOf = (namespace: string, key: string): string =>
  createHash('sha256').update(`${namespace}\0${key}`, 'utf8').digest('hex').slice(0, 8);
