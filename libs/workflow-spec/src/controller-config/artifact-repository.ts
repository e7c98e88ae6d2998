import { z } from 'zod';
import { InvalidArgumentError } from '../errors.js';
import { parseManifests } from '../manifests/parse-manifests.js';
import type { JsonValue } from '../model/workflow.js';
import { secretSelector } from './secret-selector.js';

const text = z.string().optional();
const flag = z.boolean().optional();
const secret = secretSelector.optional();
const keyed = { keyFormat: text };

/** One schema for each driver block of a repository, with the field names of Argo v4.1 (and `filesystem`, which is our own). */
const DRIVERS = {
  s3: z.strictObject({
    ...keyed,
    keyPrefix: text,
    endpoint: text,
    bucket: text,
    region: text,
    insecure: flag,
    addressingStyle: text,
    accessKeySecret: secret,
    secretKeySecret: secret,
    sessionTokenSecret: secret,
    roleARN: text,
    useSDKCreds: flag,
    caSecret: secret,
    createBucketIfNotPresent: z.strictObject({ objectLocking: flag }).optional(),
    encryptionOptions: z
      .strictObject({
        kmsKeyId: text,
        kmsEncryptionContext: text,
        enableEncryption: flag,
        serverSideCustomerKeySecret: secret,
      })
      .optional(),
  }),
  gcs: z.strictObject({ ...keyed, bucket: text, serviceAccountKeySecret: secret }),
  azure: z.strictObject({
    endpoint: text,
    container: text,
    blobNameFormat: text,
    accountKeySecret: secret,
    useSDKCreds: flag,
  }),
  oss: z.strictObject({
    ...keyed,
    endpoint: text,
    bucket: text,
    accessKeySecret: secret,
    secretKeySecret: secret,
    securityToken: text,
    createBucketIfNotPresent: flag,
    useSDKCreds: flag,
    lifecycleRule: z.record(z.string(), z.json()).optional(),
  }),
  hdfs: z.strictObject({
    pathFormat: text,
    addresses: z.array(z.string()).optional(),
    hdfsUser: text,
    force: flag,
    dataTransferProtection: text,
    krbCCacheSecret: secret,
    krbKeytabSecret: secret,
    krbUsername: text,
    krbRealm: text,
    krbConfigConfigMap: secret,
    krbServicePrincipalName: text,
  }),
  artifactory: z.strictObject({ ...keyed, repoURL: text, usernameSecret: secret, passwordSecret: secret }),
  plugin: z.strictObject({ ...keyed, name: text, configuration: text, connectionTimeoutSeconds: z.int().optional() }),
  filesystem: z.strictObject(keyed),
} as const;

/** Drivers that a repository may be configured with. */
export type RepositoryDriver = keyof typeof DRIVERS;

/** A repository with its driver named: the block without its key format, which stands apart. */
export interface ArtifactRepositoryConfig {
  driver: RepositoryDriver;
  /** The driver's block under its name, as artifacts carry it: `{ s3: { bucket, endpoint } }`. */
  location: { [driver: string]: JsonValue };
  /** Absent: Argo's default `{{workflow.name}}/{{pod.name}}`. */
  keyFormat?: string;
  /** Whether the logs of steps are kept as artifacts; absent: no. */
  archiveLogs?: boolean;
}

const FORMAT_FIELD: Partial<Record<RepositoryDriver, string>> = { azure: 'blobNameFormat', hdfs: 'pathFormat' };
/** What Argo makes of the old `keyPrefix`. */
const PREFIXED = '/{{workflow.name}}/{{pod.name}}';

const blocks = Object.fromEntries(Object.entries(DRIVERS).map(([name, schema]) => [name, schema.optional()])) as {
  [Name in RepositoryDriver]: z.ZodOptional<(typeof DRIVERS)[Name]>;
};

const named = (written: Record<string, JsonValue>, driver: RepositoryDriver, archiveLogs?: boolean): ArtifactRepositoryConfig => {
  const formatField = FORMAT_FIELD[driver] ?? 'keyFormat';
  const { [formatField]: format, keyPrefix, ...location } = written;
  const keyFormat =
    typeof format === 'string' && format !== '' ? format : typeof keyPrefix === 'string' ? keyPrefix + PREFIXED : '';
  return {
    driver,
    location: { [driver]: location },
    ...(keyFormat === '' ? {} : { keyFormat }),
    ...(archiveLogs === undefined ? {} : { archiveLogs }),
  };
};

/**
 * One entry of a ConfigMap `artifact-repositories`, as YAML. Throws InvalidArgumentError that names the field and the rule; undefined where
 * it names no driver.
 */
export const parseArtifactRepository = (text: string): ArtifactRepositoryConfig | undefined => {
  const [manifest] = parseManifests(text);
  const parsed = artifactRepositorySchema.safeParse(manifest?.value ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidArgumentError(`${issue?.path.join('.') || 'the repository'}: ${issue?.message ?? 'is not valid'}`);
};

/** `artifactRepository` of the controller, and one entry of a ConfigMap `artifact-repositories`: exactly one driver, or none. */
export const artifactRepositorySchema = z
  .strictObject({ archiveLogs: z.boolean().optional(), ...blocks })
  .transform(({ archiveLogs, ...drivers }, context): ArtifactRepositoryConfig | undefined => {
    const given = Object.entries(drivers).filter(([, block]) => block !== undefined) as [
      RepositoryDriver,
      Record<string, JsonValue>,
    ][];
    if (given.length > 1) {
      context.addIssue(`must name one driver, not ${given.map(([name]) => name).join(' and ')}`);
      return z.NEVER;
    }
    const [first] = given;
    return first === undefined ? undefined : named(first[1], first[0], archiveLogs);
  });
