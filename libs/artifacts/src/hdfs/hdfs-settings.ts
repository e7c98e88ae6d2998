import type { ArtifactLocation } from '#libs/workflow-spec';

import { ArtifactKeyError, ArtifactLocationError } from '../errors.js';
import { type Block, isSet, textAt } from '../secrets/secret-fields.js';

/** A path in a cluster, and the name nodes that know it. */
export interface HdfsPlace {
  /** Addresses of WebHDFS, without a slash at their ends; the first that is active answers. */
  nameNodes: readonly string[];
  user: string;
  /** As the artifact gives it. */
  path: string;
  /** Whether a file of somebody else may be replaced. */
  force: boolean;
}

const WEB_PORT = 9870;
/** Ports on which name nodes speak their own protocol; their WebHDFS is taken to be at the usual one. */
const OWN_PROTOCOL_PORTS = new Set(['8020', '9000']);
/** What Kerberos needs cannot be done over plain requests here. */
const KERBEROS_FIELDS = [
  'krbCCacheSecret',
  'krbKeytabSecret',
  'krbUsername',
  'krbRealm',
  'krbConfigConfigMap',
  'dataTransferProtection',
];

/** Reads an `hdfs` block (Argo v4.1 `HDFSArtifact`); throws ArtifactLocationError. The path may be empty where `wholeStore`. */
export function hdfsPlace(location: ArtifactLocation, wholeStore = false): HdfsPlace {
  const block: Block = location.hdfs ?? {};
  const kerberos = KERBEROS_FIELDS.find((field) => isSet(block[field]));
  if (kerberos !== undefined) throw new ArtifactLocationError(`hdfs.${kerberos} is not supported: there is no Kerberos here`);
  const addresses = Array.isArray(block['addresses']) ? block['addresses'] : [];
  const nameNodes = addresses.map(webAddress);
  if (nameNodes.length === 0) throw new ArtifactLocationError('hdfs.addresses is required');
  const user = textAt(block, 'hdfsUser');
  if (user === undefined) throw new ArtifactLocationError('hdfs.hdfsUser is required');
  const path = textAt(block, 'path') ?? '';
  if (path === '' && !wholeStore) throw new ArtifactLocationError('hdfs.path: the key is required');
  if (path.split('/').some((name) => name === '..' || name === '.') || path.includes('\0'))
    throw new ArtifactKeyError(path, 'it climbs');
  return { nameNodes, user, path, force: block['force'] === true };
}

function webAddress(given: unknown): string {
  const text = typeof given === 'string' ? given.trim().replace(/^(hdfs|webhdfs):\/\//, '') : '';
  if (/^https?:\/\//.test(text)) return text.replace(/\/$/, '');
  const [, host = '', port] = /^([^:/\s]+|\[[^\]]+\])(?::(\d+))?\/?$/.exec(text) ?? [];
  if (host === '') throw new ArtifactLocationError(`hdfs.addresses: ${JSON.stringify(given)} is no address`);
  return `http://${host}:${port === undefined || OWN_PROTOCOL_PORTS.has(port) ? WEB_PORT : port}`;
}
