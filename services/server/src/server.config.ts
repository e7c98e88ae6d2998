import {
  artifactStoreFields,
  configOf,
  duration,
  flag,
  integer,
  optionalSecret,
  optionalText,
  programFields,
  size,
  text,
  type ConfigOf,
} from '#libs/config';

/** What the HTTP side of the server is configured by, wherever it runs. */
export const serverFields = {
  host: optionalText({ about: 'Address that the HTTP API listens on; 127.0.0.1 where AUTH_TOKEN is absent, otherwise 0.0.0.0.' }),
  port: integer({ about: 'Port of the HTTP API; 0 takes a free one.', byDefault: 2746, max: 65_535 }),
  authToken: optionalSecret({ about: 'Bearer token that requests must carry; without it only this machine is served.' }),
  maxBodyBytes: size({ about: 'Largest request body.', byDefault: '16Mi' }),
  maxUploadBytes: size({ about: 'Largest artifact that is uploaded for a workflow to come.', byDefault: '5Gi' }),
  artifactRepository: optionalText({
    about: 'Default artifact repository as YAML or JSON, where uploads go; the one that the scheduler has.',
  }),
  managedNamespace: optionalText({ about: 'The one namespace that clients are told of; all where absent.' }),
  defaultNamespace: text({ about: 'Namespace of objects that name none.', byDefault: 'default' }),
  serviceAccount: optionalText({
    about: 'Who acts where a request names no user, for example system:serviceaccount:argo:argo-server; shown in node messages.',
  }),
  queuesWrite: flag({ about: 'Lets the queue dashboard retry and remove jobs; read-only otherwise.', byDefault: false }),
  actionTimeoutMs: duration({ about: 'How long an action (stop, retry, …) waits for its outcome.', byDefault: '10s' }),
  keepAliveMs: duration({ about: 'Interval of keep-alive lines on event and log streams.', byDefault: '15s' }),
  maxStreams: integer({ about: 'Most event and log streams at one time.', byDefault: 500, min: 1 }),
  artifactBroker: flag({
    about: 'Lends pods that show their token presigned requests on their own artifacts (docs/broker.md).',
    byDefault: false,
  }),
  artifactBrokerUrlTtlMs: duration({ about: 'How long a presigned request may be used.', byDefault: '15m' }),
  artifactBrokerAfterEndMs: duration({ about: 'How long after its end a pod may still use its token.', byDefault: '15m' }),
  artifactBrokerKey: optionalSecret({
    about: 'Key of the tokens of pods, the same in pod-manager; one that is made once and kept in the database where absent.',
  }),
} as const;

/** The same as a schema by itself, for a program that holds all services. */
export const serverSchema = configOf(serverFields);

/** The HTTP side's configuration, as `createServer` takes it. */
export type ServerConfig = ConfigOf<typeof serverSchema> & { readonly instanceId?: string | undefined };

/** Every variable of the server as a program of its own. */
export const configSchema = configOf({
  ...programFields,
  ...artifactStoreFields,
  ...serverFields,
  internalToken: optionalSecret({ about: 'Token that programs of this installation show each other.' }),
  dataDir: text({ about: 'Folder of the filesystem artifact repository.', byDefault: './.argosy' }),
});
