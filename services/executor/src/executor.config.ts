import {
  artifactStoreFields,
  configOf,
  integer,
  loggingFields,
  optionalInteger,
  optionalSecret,
  optionalText,
  text,
} from '#libs/config';

/** Variables of the executor: where artifacts are kept and where the Secrets of artifact locations are mounted. */
export const configSchema = configOf({
  ...loggingFields,
  ...artifactStoreFields,
  artifactFolder: optionalText({ about: 'Folder of the filesystem artifact driver; without it that driver is refused.' }),
  artifactPartMib: integer({
    about: 'MiB of one part of an upload to S3, of which three are in memory: more are faster where the store is far away.',
    byDefault: 5,
    min: 5,
    max: 512,
  }),
  secretsFolder: text({
    about: 'Folder with a folder per Secret and a file per key in it, for credentials of artifact stores.',
    byDefault: '/argo/secret',
  }),
  artifactBrokerUrl: optionalText({
    about: 'Server that lends presigned requests on the artifacts of this pod; with it and the token no Secret is read.',
  }),
  artifactBrokerToken: optionalSecret({ about: 'What this pod shows that server.' }),
  askedToEndAt: optionalInteger({
    about:
      'Seconds since 1970 when the pod was asked to end, where that was before this program began; its grace period counts from then.',
    min: 0,
  }),
});
