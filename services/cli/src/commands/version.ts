import type { Command } from 'commander';
import { PRODUCT_VERSION } from '../product-version.js';
import { contextOf } from './context.js';

/** `version`: ours, and the server's where one answers. */
export const addVersion = (program: Command): void => {
  program
    .command('version')
    .description('print the version of the command and of the server')
    .option('--short', 'only the number')
    .addHelpText('after', '\nExample:\n  argosy version --short')
    .action(async (flags: { short?: boolean }, command: Command) => {
      const context = contextOf(command);
      context.out(flags.short ? PRODUCT_VERSION : `argosy: ${PRODUCT_VERSION}`);
      if (flags.short) return;
      const server = await context.client.get<{ version?: string }>('/api/v1/version').catch(() => undefined);
      if (server) context.out(`argosy-server: ${server.version ?? ''}`);
    });
};
