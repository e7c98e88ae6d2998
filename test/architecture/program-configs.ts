import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type ConfigSchema, describeConfig, type Environment, loadConfig } from '#libs/config';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** The configuration of one program, as deployments have to meet it. */
export interface ProgramConfigSchema {
  /** Every variable that it reads, those of secrets as files included. */
  variables: ReadonlySet<string>;
  /** Effective values of whole numbers, such as ports, under an environment. Throws ConfigError where the program would refuse it. */
  load(environment: Environment): Record<string, unknown>;
}

/** Schemas of all programs by service folder, read from the services' own sources. */
export const programConfigs = async (): Promise<Map<string, ProgramConfigSchema>> => {
  const configs = new Map<string, ProgramConfigSchema>();
  for (const service of readdirSync(join(root, 'services'))) {
    const folder = join(root, 'services', service, 'src');
    const file = readdirSync(folder).find((name) => name.endsWith('.config.ts'));
    if (file === undefined) continue;
    const { configSchema } = (await import(pathToFileURL(join(folder, file)).href)) as { configSchema: ConfigSchema };
    const rows = describeConfig(configSchema);
    configs.set(service, {
      variables: new Set(rows.flatMap(({ variable, secret }) => (secret ? [variable, `${variable}_FILE`] : [variable]))),
      load: (environment) => loadConfig(configSchema, environment),
    });
  }
  return configs;
};

/** The service of an argument such as `dist/services/scheduler/src/main.js`; undefined where it is no program of ours. */
export const serviceOfEntry = (entry: string): string | undefined =>
  /^dist\/services\/([a-z-]+)\/src\/main\.js$/.exec(entry)?.[1];

/** The same environment with every secret in place of its file, as nothing is mounted here. */
export const withSecretsInPlace = (environment: Readonly<Record<string, string>>): Environment =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) =>
      name.endsWith('_FILE') && value.startsWith('/run/secrets/')
        ? [name.slice(0, -'_FILE'.length), 'redis://secret']
        : [name, value],
    ),
  );

/** Variables that libraries read by themselves. */
export const LIBRARY_VARIABLES: ReadonlySet<string> = new Set(['AWS_SHARED_CREDENTIALS_FILE']);
