import { describe, expect, it } from 'vitest';
import { ControllerConfigError } from '../errors.js';
import { APPLIED_KEYS, controllerConfigNotes } from './key-effects.js';
import { controllerConfigSchema } from './schema.js';
import { parseControllerConfig } from './parse-controller-config.js';

const issuesOf = (data: Record<string, string>): readonly string[] => {
  try {
    parseControllerConfig(data);
  } catch (error) {
    if (error instanceof ControllerConfigError) return error.issues;
    throw error;
  }
  return [];
};

describe('reading workflow-controller-configmap', () => {
  it('takes one key for each field, with YAML below it', () => {
    const config = parseControllerConfig({
      parallelism: '10',
      instanceID: '10',
      navColor: 'red',
      retentionPolicy: 'completed: 10\nfailed: 3\n',
      links: '- name: Logs\n  scope: pod\n  url: http://logs/${metadata.name}\n',
      images: 'docker/whalesay:latest:\n  cmd: [cowsay]\n',
      podGCDeleteDelayDuration: '30s',
    });
    expect(config).toEqual({
      parallelism: 10,
      instanceID: '10',
      navColor: 'red',
      retentionPolicy: { completed: 10, failed: 3 },
      links: [{ name: 'Logs', scope: 'pod', url: 'http://logs/${metadata.name}' }],
      images: { 'docker/whalesay:latest': { cmd: ['cowsay'] } },
      podGCDeleteDelayDuration: 30_000,
    });
  });

  it('takes the whole document below the key config', () => {
    expect(parseControllerConfig({ config: 'parallelism: 3\nnamespaceParallelism: 2\n' })).toEqual({
      parallelism: 3,
      namespaceParallelism: 2,
    });
  });

  it('refuses config beside other keys', () => {
    expect(issuesOf({ config: '{}', parallelism: '1' })).toEqual([
      'config: stands alone or not at all, beside it is parallelism',
    ]);
  });

  it('is empty without data', () => {
    expect(parseControllerConfig(undefined)).toEqual({});
    expect(parseControllerConfig({ config: '' })).toEqual({});
    expect(parseControllerConfig({ links: '' })).toEqual({});
  });

  it('names the driver of an artifact repository and its format of keys', () => {
    const { artifactRepository } = parseControllerConfig({
      artifactRepository:
        'archiveLogs: true\ns3:\n  bucket: b\n  endpoint: minio:9000\n  insecure: true\n  keyFormat: "x/{{pod.name}}"\n',
    });
    expect(artifactRepository).toEqual({
      driver: 's3',
      location: { s3: { bucket: 'b', endpoint: 'minio:9000', insecure: true } },
      keyFormat: 'x/{{pod.name}}',
      archiveLogs: true,
    });
  });

  it("reads keyPrefix as Argo's older form of a key format", () => {
    const { artifactRepository } = parseControllerConfig({ artifactRepository: 's3: {bucket: b, keyPrefix: p}' });
    expect(artifactRepository?.keyFormat).toBe('p/{{workflow.name}}/{{pod.name}}');
  });

  it('gives the durations of persistence in milliseconds', () => {
    const { persistence } = parseControllerConfig({
      persistence:
        'archive: true\narchiveTTL: 30d\nnodeStatusOffLoad: true\nconnectionPool: {maxIdleConns: 100, connMaxLifetime: 1h}\n' +
        'postgresql:\n  host: db\n  port: 5432\n  database: argo\n  userNameSecret: {name: s, key: u}\n',
    });
    expect(persistence).toMatchObject({
      archiveTTL: 30 * 86_400_000,
      connectionPool: { connMaxLifetime: 3_600_000 },
      postgresql: { host: 'db', userNameSecret: { name: 's', key: 'u' } },
    });
  });

  it('takes a field without a value as absent, at any depth', () => {
    const persistence =
      'archive: true\nconnectionPool:\narchiveLabelSelector:\n  matchLabels:\narchiveTTL:\nmysql: {host: a, port: , database: b}\n';
    expect(parseControllerConfig({ persistence, retentionPolicy: 'completed:\nfailed: 3' })).toEqual({
      persistence: { archive: true, archiveLabelSelector: {}, mysql: { host: 'a', database: 'b' } },
      retentionPolicy: { failed: 3 },
    });
    expect(parseControllerConfig({ persistence: 'archiveTTL: ""' }).persistence).toEqual({ archiveTTL: 0 });
  });

  it('reads the defaults of workflows as strictly as a workflow', () => {
    const { workflowDefaults } = parseControllerConfig({
      workflowDefaults: 'metadata:\n  labels: {a: b}\nspec:\n  ttlStrategy: {secondsAfterSuccess: 5}\n',
    });
    expect(workflowDefaults).toEqual({ metadata: { labels: { a: 'b' } }, spec: { ttlStrategy: { secondsAfterSuccess: 5 } } });
    expect(issuesOf({ workflowDefaults: 'spec: {entrypont: a}' })[0]).toMatch(
      /^workflowDefaults: .*entrypont.*did you mean "entrypoint"/,
    );
  });

  it.each([
    ['an unknown key', { paralelism: '1' }, 'unknown field "paralelism"'],
    ['an unknown field', { persistence: 'archiv: true' }, 'persistence: unknown field "archiv"'],
    ['a wrong type', { parallelism: 'many' }, 'parallelism: Invalid input: expected number, received string'],
    [
      'two databases',
      { persistence: 'postgresql: {host: a, database: b}\nmysql: {host: a, database: b}' },
      'persistence: must name one database, not postgresql and mysql',
    ],
    [
      'a token of a cloud',
      { persistence: 'postgresql: {host: a, database: b, awsRDSToken: {enabled: true}}' },
      'persistence.postgresql.awsRDSToken: awsRDSToken is not served: give userNameSecret and passwordSecret',
    ],
    ['two drivers', { artifactRepository: '{s3: {}, gcs: {}}' }, 'artifactRepository: must name one driver, not s3 and gcs'],
    [
      'a label selector that selects nothing that could be',
      {
        persistence: `archiveLabelSelector:
  matchLabels: {team: 'red blue'}
  matchExpressions: [{key: -a, operator: Exists}, {key: a, operator: In}, {key: a, operator: Exists, values: [b]}]`,
      },
      'persistence.archiveLabelSelector.matchLabels.team: must be the value of a label: at most 63 letters, digits and -_. within them',
      'persistence.archiveLabelSelector.matchExpressions[0].key: must be the key of a label',
      'persistence.archiveLabelSelector.matchExpressions[1]: In and NotIn need values',
      'persistence.archiveLabelSelector.matchExpressions[2]: Exists and DoesNotExist take no values',
    ],
    [
      'an operator that Kubernetes has not',
      { persistence: 'archiveLabelSelector: {matchExpressions: [{key: a, operator: Gt, values: ["1"]}]}' },
      'persistence.archiveLabelSelector.matchExpressions[0].operator: Invalid option: expected one of "In"|"NotIn"|"Exists"|"DoesNotExist"',
    ],
    [
      'a duration that is none',
      { persistence: 'archiveTTL: soon' },
      'persistence.archiveTTL: must be a duration such as 30d or 24h, not "soon"',
    ],
  ])('names the place of %s', (_what, data, ...issues) => {
    expect(issuesOf(data as unknown as Record<string, string>)).toEqual(issues);
  });

  it('names all problems at once', () => {
    expect(issuesOf({ parallelism: 'x', links: '{', images: '[]' })).toHaveLength(3);
  });

  it('says of each key without an effect that it has none', () => {
    expect(controllerConfigNotes(parseControllerConfig({ sso: '{}', parallelism: '1', initialDelay: '5s' }))).toEqual([
      'initialDelay has no effect: a new workflow is looked at once and again when something changes',
      'sso has no effect: single sign-on is not served',
    ]);
  });

  it('says what of persistence has no effect, depending on where the tables are', () => {
    const fields = 'skipMigration: true\nconnectionPool: {maxOpenConns: 3}\nreconnectionConfig: {maxRetries: 5}\n';
    const notesOf = (persistence: string) =>
      controllerConfigNotes(parseControllerConfig({ persistence })).map((note) => note.split(' ')[0]);
    const [pool, migration, reconnection] = ['connectionPool', 'skipMigration', 'reconnectionConfig'].map(
      (field) => `persistence.${field}`,
    );
    expect(notesOf(fields)).toEqual([pool, migration, reconnection]);
    expect(notesOf(`${fields}mysql: {host: a, database: b, options: {tls: 'true'}}`)).toEqual([reconnection]);
    expect(notesOf('connectionPool: {maxIdleConns: 1}\nmysql: {host: a, database: b, options: {loc: UTC}}')).toEqual([
      'persistence.mysql.options.loc',
    ]);
    expect(notesOf('connectionPool: {maxIdleConns: 1, connMaxLifetime: 1h}\npostgresql: {host: a, database: b}')).toEqual([
      'persistence.connectionPool.maxIdleConns',
    ]);
    expect(notesOf('skipMigration: false')).toEqual([]);
  });

  it('knows of every key whether it is applied or what is to be said of it', () => {
    const keys = Object.keys(controllerConfigSchema.shape);
    const silent = keys.filter((key) => controllerConfigNotes({ [key]: {} }).length === 0);
    expect(silent.sort()).toEqual([...APPLIED_KEYS].sort());
  });
});
