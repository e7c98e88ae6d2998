import { readFileSync } from 'node:fs';

import type { PodManifest } from '#libs/pod-spec';
import type { KubernetesObject } from '#libs/workflow-spec';

/** Files of /etc that a pod has of its own: their path inside and their text. Empty where the host's are right. */
export function ownHostFiles(manifest: PodManifest): Map<string, string> {
  const files = new Map<string, string>();
  const aliases = (manifest.spec.hostAliases ?? []) as { ip?: string; hostnames?: string[] }[];
  if (aliases.length > 0) {
    const lines = aliases.map(({ ip = '', hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`);
    files.set('/etc/hosts', `${textOr('/etc/hosts', '127.0.0.1\tlocalhost\n').replace(/\n?$/, '\n')}${lines.join('\n')}\n`);
  }
  const resolution = nameResolution(manifest.spec);
  if (resolution !== null) files.set('/etc/resolv.conf', resolution);
  return files;
}

interface DnsConfig {
  nameservers?: string[];
  searches?: string[];
  options?: { name?: string; value?: string }[];
}

/** What `dnsConfig` adds to the host's file; with the policy `None` nothing but that. Null where nothing is written. */
function nameResolution(spec: KubernetesObject): string | null {
  const config = spec.dnsConfig as DnsConfig | undefined;
  const isNone = spec.dnsPolicy === 'None';
  if (config === undefined) return isNone ? '' : null;
  const { nameservers = [], searches = [], options = [] } = config;
  const host = isNone ? [] : textOr('/etc/resolv.conf', '').split('\n');
  const written = (keyword: string): string[] =>
    host
      .filter((line) => line.startsWith(`${keyword} `))
      .flatMap((line) =>
        line
          .split(/\s+/)
          .slice(1)
          .filter((word) => word !== ''),
      );
  const allOptions = [
    ...written('options'),
    ...options.map(({ name = '', value }) => (value === undefined ? name : `${name}:${value}`)),
  ];
  const search = [...new Set([...written('search'), ...searches])];
  return [
    ...[...new Set([...written('nameserver'), ...nameservers])].map((address) => `nameserver ${address}`),
    ...(search.length === 0 ? [] : [`search ${search.join(' ')}`]),
    ...(allOptions.length === 0 ? [] : [`options ${allOptions.join(' ')}`]),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function textOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}
