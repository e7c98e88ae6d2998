import type { RuntimeAbilities } from '#libs/pod-spec';

const SECURITY_FIELDS = [
  'runAsUser',
  'runAsGroup',
  'runAsNonRoot',
  'fsGroup',
  'supplementalGroups',
  'readOnlyRootFilesystem',
  'privileged',
  'capabilities',
  'seccompProfile',
  // These change nothing here: no privilege is ever gained, and the whole of a volume always gets its group.
  'allowPrivilegeEscalation',
  'fsGroupChangePolicy',
  'supplementalGroupsPolicy',
];
const VOLUME_KINDS = [
  'emptyDir',
  'ephemeral',
  'configMap',
  'secret',
  'downwardAPI',
  'projected',
  'persistentVolumeClaim',
  'hostPath',
];
const PROBES = ['exec', 'httpGet', 'tcpSocket'];

/** What the sandbox gives on any host: own files, change user, bind low ports. No mounts, no devices, no tracing. */
export const SANDBOX_ABILITIES: RuntimeAbilities = {
  title: 'the sandbox',
  tty: false,
  otherUsers: true,
  securityFields: SECURITY_FIELDS,
  capabilities: ['chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'net_bind_service'],
  volumeKinds: VOLUME_KINDS,
  hostPaths: [],
  hooks: ['exec', 'sleep'],
  probes: PROBES,
};

/** The daemon's usual set. */
export const DOCKER_ABILITIES: RuntimeAbilities = {
  ...SANDBOX_ABILITIES,
  title: 'the docker runtime',
  tty: true,
  capabilities: [...SANDBOX_ABILITIES.capabilities, 'setfcap', 'setpcap', 'net_raw', 'sys_chroot', 'mknod', 'audit_write'],
  hooks: ['exec'],
};
