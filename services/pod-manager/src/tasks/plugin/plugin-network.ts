import net from 'node:net';

/**
 * In which network executor plugins are where pods share the host's. `auto`: the host's, so that they reach what is outside, but one of its own for a plugin whose port is
 * taken there. One of its own has no way out.
 */
export const PLUGIN_NETWORKS = ['auto', 'host', 'own'] as const;
/** One of them. */
export type PluginNetwork = (typeof PLUGIN_NETWORKS)[number];

/** Whether a program of this host listens on the port, on any of its addresses. */
export const isListenedOn = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const trial = net.createServer();
    trial.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    trial.listen({ port, exclusive: true }, () => trial.close(() => resolve(false)));
  });
