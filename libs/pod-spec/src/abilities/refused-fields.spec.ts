import type { Template, WorkflowSpec } from '#libs/workflow-spec';
import { describe, expect, it } from 'vitest';
import { refusedFields } from './refused-fields.js';
import type { RuntimeAbilities } from './runtime-abilities.js';

const abilities: RuntimeAbilities = {
  title: 'the box',
  tty: false,
  otherUsers: false,
  securityFields: ['privileged', 'capabilities', 'runAsUser', 'runAsNonRoot'],
  capabilities: ['chown'],
  volumeKinds: ['emptyDir', 'hostPath'],
  hostPaths: ['/data'],
  hooks: ['exec'],
  probes: ['httpGet'],
};
const spec = (template: Partial<Template>, more: Partial<WorkflowSpec> = {}): WorkflowSpec => ({
  ...more,
  templates: [{ name: 'main', ...template }],
});

describe('what a runtime cannot honour', () => {
  it.each([
    [{ container: { tty: true } }, 'container.tty is not supported by the box'],
    [{ script: { source: '', volumeDevices: [{}] } }, 'script.volumeDevices is not supported by the box'],
    [
      { container: { securityContext: { privileged: true } } },
      'container.securityContext.privileged is not supported by the box',
    ],
    [{ container: { securityContext: { procMount: 'x' } } }, 'container.securityContext.procMount is not supported by the box'],
    [
      { sidecars: [{}, { securityContext: { capabilities: { add: ['CAP_CHOWN', 'SYS_ADMIN'] } } }] },
      'sidecars[1].securityContext.capabilities: SYS_ADMIN is not given by the box',
    ],
    [
      { container: { securityContext: { runAsUser: 5 } } },
      'container.securityContext.runAsUser is not supported by the box on this host',
    ],
    [
      { container: { lifecycle: { preStop: { httpGet: { port: 1 } } } } },
      'container.lifecycle.preStop.httpGet is not supported by the box',
    ],
    [
      { containerSet: { containers: [{ readinessProbe: { grpc: { port: 1 }, periodSeconds: 1 } }] } },
      'containerSet.containers[0].readinessProbe.grpc is not supported by the box',
    ],
    [{ volumes: [{ name: 'a', nfs: { server: 's', path: '/' } }] }, 'volumes[0].nfs is not supported by the box'],
    [
      { volumes: [{ name: 'a', hostPath: { path: '/database' } }] },
      'volumes[0].hostPath: /database is not allowed on this host (setting hostPaths)',
    ],
  ] as [Partial<Template>, string][])('is named: %j', (template, problem) => {
    expect(refusedFields(spec(template), abilities)).toEqual([`template main: ${problem}`]);
  });

  it('is found in the fields of the whole workflow, in its defaults and in templates within steps', () => {
    const inline = { container: { tty: true } };
    const found = refusedFields(
      {
        ...spec({ steps: [[{ name: 'a', inline }]] }, { volumes: [{ name: 'v', csi: { driver: 'd' } }] }),
        templateDefaults: inline,
      },
      abilities,
    );
    expect(found).toEqual([
      'spec: volumes[0].csi is not supported by the box',
      'template templateDefaults: container.tty is not supported by the box',
      'template (inline): container.tty is not supported by the box',
    ]);
  });

  it('counts the security context of the pod where the container does not say otherwise', () => {
    const own = { container: { securityContext: { runAsUser: 0 } } };
    const context = { securityContext: { runAsUser: 8 } };
    expect(refusedFields(spec({ container: {} }, context), abilities)).toHaveLength(1);
    expect(refusedFields(spec(own, context), abilities)).toEqual([]);
  });

  it('is nothing that tags decide, nor what lies in an allowed folder', () => {
    const volumes = [
      { name: 'a', hostPath: { path: '{{inputs.parameters.path}}' } },
      { name: 'b', hostPath: { path: '/data/x/' } },
    ];
    expect(refusedFields(spec({ container: { tty: false }, volumes }), abilities)).toEqual([]);
  });
});
