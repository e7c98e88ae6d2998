import { describe, expect, it } from 'vitest';
import { assertKubernetesFields } from './kubernetes-fields.js';

const withContainer = (container: object): object => ({ spec: { templates: [{ name: 'main', container }] } });

describe('what Kubernetes requires of the parts of an object', () => {
  it.each([
    [{ volumeMounts: [{ name: 'a' }] }, 'volumeMounts[0].mountPath: Required value'],
    [{ env: [{ name: 'a', valueFrom: { secretKeyRef: { name: 's' } } }] }, 'env[0].valueFrom.secretKeyRef.key: Required value'],
    [{ readinessProbe: { httpGet: { path: '/' } } }, 'readinessProbe.httpGet.port: Required value'],
  ])('is refused by its path where it is missing: %j', (container, problem) => {
    expect(() => assertKubernetesFields('Workflow', 'wf', withContainer(container))).toThrow(
      `Workflow.argoproj.io "wf" is invalid: spec.templates[0].container.${problem}`,
    );
  });

  it('is listed where several parts are missing', () => {
    const spec = { workflowSpec: { volumes: [{ hostPath: {} }] } };
    expect(() => assertKubernetesFields('CronWorkflow', 'c', { spec })).toThrow(
      'CronWorkflow.argoproj.io "c" is invalid: [spec.workflowSpec.volumes[0].name: Required value, spec.workflowSpec.volumes[0].hostPath.path: Required value]',
    );
  });

  it('is no matter of what is there, even empty or with tags', () => {
    const mount = { name: '', mountPath: '{{inputs.parameters.path}}' };
    expect(() => assertKubernetesFields('Workflow', 'wf', withContainer({ volumeMounts: [mount] }))).not.toThrow();
  });
});
