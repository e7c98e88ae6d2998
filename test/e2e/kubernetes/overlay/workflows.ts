import { LOOK_UP } from './installation.js';

const RESTRICTED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

/** What a namespace of the standard `restricted` wants of pods. */
export const asRestricted = {
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  podSpecPatch: JSON.stringify({
    initContainers: [{ name: 'init', securityContext: RESTRICTED }],
    containers: ['main', 'wait'].map((name) => ({ name, securityContext: RESTRICTED })),
  }),
};

const script = (name: string, source: string, more: object = {}) => ({
  name,
  script: { image: 'busybox', command: ['sh'], source },
  ...more,
});
const WRITTEN = script('written', 'echo "of {{inputs.parameters.of}}" > /tmp/file', {
  inputs: { parameters: [{ name: 'of' }] },
  outputs: { artifacts: [{ name: 'file', path: '/tmp/file' }] },
});
const READ = script('read', 'cat /tmp/in', { inputs: { artifacts: [{ name: 'file', path: '/tmp/in' }] } });
const use = (template: string, args: object = {}) => [{ name: template, template, arguments: args }];
const writtenOf = (value: string) => use('written', { parameters: [{ name: 'of', value }] });
const READ_IT = use('read', { artifacts: [{ name: 'file', from: '{{steps.written.outputs.artifacts.file}}' }] });

const workflow = (name: string, spec: object, labels: Readonly<Record<string, string>> = {}) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name, labels },
  spec: { entrypoint: 'all', ...LOOK_UP, ...spec },
});

/** A step writes a file, the next one prints it. */
export const passingAFile = (name: string, labels: Readonly<Record<string, string>> = {}) =>
  workflow(name, { templates: [{ name: 'all', steps: [writtenOf(name), READ_IT] }, WRITTEN, READ] }, labels);

/** A step writes a file into the repository, the next lists what is there, which the pod-manager does itself. */
export const listingAFile = (name: string, labels: Readonly<Record<string, string>> = {}) => {
  const kept = script('kept', 'echo it > /tmp/file', {
    outputs: { artifacts: [{ name: 'file', path: '/tmp/file', s3: { key: 'listed/file' }, archive: { none: {} } }] },
  });
  const listed = {
    name: 'listed',
    data: {
      source: { artifactPaths: { name: 'files', s3: { key: 'listed' } } },
      transformation: [{ expression: 'filter(data, {# endsWith "file"})' }],
    },
  };
  return workflow(name, { templates: [{ name: 'all', steps: [use('kept'), use('listed')] }, kept, listed] }, labels);
};

/** As `passingAFile` with a resource template first, in a namespace for restricted pods. The account `steps` acts. */
export const withAResource = (name: string) => {
  const made = {
    name: 'made',
    resource: {
      action: 'create',
      setOwnerReference: true,
      manifest: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: made-}\n',
    },
    outputs: { parameters: [{ name: 'name', valueFrom: { jsonPath: '{.metadata.name}' } }] },
  };
  const steps = [use('made'), writtenOf('{{steps.made.outputs.parameters.name}}'), READ_IT];
  return workflow(name, {
    ...asRestricted,
    serviceAccountName: 'steps',
    templates: [{ name: 'all', steps }, made, WRITTEN, READ],
  });
};
