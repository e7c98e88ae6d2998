import { artifactStoreFields, configOf, loggingFields, optionalText, text } from '#libs/config';

/** Variables of the executor: where artifacts are kept and where the Secrets of artifact locations are mounted. */
export const configSchema = configOf({
  ...loggingFields,
  ...artifactStoreFields,
  artifactFolder: optionalText({ about: 'Folder of the filesystem artifact driver; without it that driver is refused.' }),
  secretsFolder: text({
    about: 'Folder with a folder per Secret and a file per key in it, for credentials of artifact stores.',
    byDefault: '/argo/secret',
  }),
});
