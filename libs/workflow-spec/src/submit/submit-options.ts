import { InternalApiError } from '../errors.js';
import type { Artifact, KubernetesObject, Parameter, Workflow } from '../model/workflow.js';

/** `submitOptions` of Argo's API; empty texts mean nothing. */
export interface SubmitOptions {
  name?: string;
  generateName?: string;
  entryPoint?: string;
  /** `NAME=VALUE` each. */
  parameters?: string[];
  /** `NAME=KEY` each: where in its repository an input artifact of the workflow lies. */
  artifacts?: string[];
  serviceAccount?: string;
  /** `NAME=VALUE,NAME=VALUE`. */
  labels?: string;
  /** As labels. */
  annotations?: string;
  podPriorityClassName?: string;
  priority?: number;
  ownerReference?: KubernetesObject;
}

const parsePairs = (what: 'labels' | 'annotations', text: string): Record<string, string> => {
  const pairs = text.split(',').map((pair) => pair.split('='));
  for (const pair of pairs) {
    const reason =
      pair.length !== 2 ? `unexpected label spec: ${pair.join('=')}` : pair[0] === '' ? 'unexpected empty label key' : undefined;
    if (reason !== undefined) {
      throw new InternalApiError(`expected ${what} of the form: NAME1=VALUE1,NAME2=VALUE2. Received: ${text}: ${reason}`);
    }
  }
  return Object.fromEntries(pairs) as Record<string, string>;
};

const parseParameter = (text: string): Parameter => {
  const split = text.indexOf('=');
  if (split === -1) throw new InternalApiError(`expected parameter of the form: NAME=VALUE. Received: ${text}`);
  return { name: text.slice(0, split), value: text.slice(split + 1) };
};

/** The workflow with these `NAME=VALUE` texts as arguments before those that they do not replace; InternalApiError for other forms, as Argo's API answers. */
export const overrideParameters = (workflow: Workflow, texts: readonly string[] | undefined): Workflow => {
  if (texts === undefined || texts.length === 0) return workflow;
  const given = texts.map(parseParameter);
  const names = new Set(given.map(({ name }) => name));
  const kept = (workflow.spec.arguments?.parameters ?? []).filter(({ name }) => !names.has(name));
  return { ...workflow, spec: { ...workflow.spec, arguments: { ...workflow.spec.arguments, parameters: [...given, ...kept] } } };
};

const parseArtifact = (text: string): Artifact => {
  const split = text.indexOf('=');
  if (split < 1 || split === text.length - 1)
    throw new InternalApiError(`expected artifact of the form: NAME=KEY. Received: ${text}`);
  return { name: text.slice(0, split), s3: { key: text.slice(split + 1) } };
};

/** Likewise for artifacts: a key alone is one in the workflow's repository, of whatever kind that is. */
const overrideArtifacts = (workflow: Workflow, texts: readonly string[] | undefined): Workflow => {
  if (texts === undefined || texts.length === 0) return workflow;
  const given = texts.map(parseArtifact);
  const names = new Set(given.map(({ name }) => name));
  const kept = (workflow.spec.arguments?.artifacts ?? []).filter(({ name }) => !names.has(name));
  return { ...workflow, spec: { ...workflow.spec, arguments: { ...workflow.spec.arguments, artifacts: [...given, ...kept] } } };
};

const specOverrides = (options: SubmitOptions): Workflow['spec'] => ({
  ...(options.entryPoint ? { entrypoint: options.entryPoint } : {}),
  ...(options.serviceAccount ? { serviceAccountName: options.serviceAccount } : {}),
  ...(options.podPriorityClassName ? { podPriorityClassName: options.podPriorityClassName } : {}),
  ...(options.priority === undefined ? {} : { priority: options.priority }),
});

const metadataOverrides = (metadata: Workflow['metadata'], options: SubmitOptions): Workflow['metadata'] => ({
  ...metadata,
  ...(options.labels ? { labels: { ...metadata.labels, ...parsePairs('labels', options.labels) } } : {}),
  ...(options.annotations ? { annotations: { ...metadata.annotations, ...parsePairs('annotations', options.annotations) } } : {}),
  ...(options.generateName ? { generateName: options.generateName } : {}),
  ...(options.name ? { name: options.name } : {}),
  ...(options.ownerReference === undefined
    ? {}
    : { ownerReferences: [...(metadata.ownerReferences ?? []), options.ownerReference] }),
});

/** A copy of the workflow with the options in it (Argo's util.ApplySubmitOpts); InternalApiError for malformed parameters and labels. */
export const applySubmitOptions = (workflow: Workflow, options: SubmitOptions): Workflow =>
  overrideArtifacts(
    overrideParameters(
      {
        ...workflow,
        metadata: metadataOverrides(workflow.metadata, options),
        spec: { ...workflow.spec, ...specOverrides(options) },
      },
      options.parameters,
    ),
    options.artifacts,
  );

/** Kubernetes cuts the prefix so that five more characters fit into 63. */
const GENERATED_PREFIX_LIMIT = 58;

/** `generateName` and a random suffix (five characters, given by the caller) as Kubernetes joins them. */
export const generatedName = (generateName: string, suffix: string): string =>
  `${generateName.slice(0, GENERATED_PREFIX_LIMIT)}${suffix}`;
