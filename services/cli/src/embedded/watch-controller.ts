import { archiveFields, configOf, controllerFields, loadConfig, processEnvironment } from '#libs/config';
import { openControllerConfig, type ProgramParts, shareArgoDatabase } from '#libs/program';

/**
 * Begins to watch the controller's ConfigMap and to follow the database with Argo's tables that it names. `closers` get what has to be
 * closed.
 */
export const watchController = (
  parts: Pick<ProgramParts, 'store' | 'resources' | 'clock' | 'logger' | 'metrics'>,
  closers: (() => Promise<void>)[],
): Pick<ProgramParts, 'controllerConfig' | 'argoDatabase'> & { controllerNamespace: string } => {
  const config = loadConfig(configOf({ ...controllerFields, ...archiveFields }), processEnvironment());
  const controllerConfig = openControllerConfig(config, parts);
  closers.push(() => controllerConfig.stop());
  const argo = shareArgoDatabase(config, { ...parts, controllerConfig });
  closers.push(() => argo.close());
  parts.store.archive.follow(argo.current);
  return { controllerConfig, argoDatabase: argo.current, controllerNamespace: config.controllerNamespace };
};
