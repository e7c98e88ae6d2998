import path from 'node:path';

import { PluginClient } from './plugin-client.js';
import type { PluginConnection } from './plugin-driver.js';

/** The connections of a program to the plugins whose sockets lie at `<folder>/<name>/socket`. */
export class PluginConnections {
  private readonly clients = new Map<string, PluginClient>();

  constructor(private readonly folder: string) {}

  open(name: string): PluginConnection {
    const folder = path.join(this.folder, name);
    const client = this.clients.get(name) ?? new PluginClient(name, path.join(folder, 'socket'));
    this.clients.set(name, client);
    return { client, folder };
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }
}
