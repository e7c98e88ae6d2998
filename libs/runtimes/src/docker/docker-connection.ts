import { existsSync } from 'node:fs';
import path from 'node:path';

import Docker from 'dockerode';

import { UserError } from '#libs/workflow-spec';

import { RuntimeUnavailableError } from '../errors.js';

export interface DockerLocation {
  /** Socket or `tcp://host:port`; absent: the usual places are looked at. */
  host?: string;
  /** Of the user, for the sockets of rootless daemons. */
  runtimeFolder?: string;
}

/** A daemon that answered: the client, and what it can do. */
export interface DockerConnection {
  docker: Docker;
  /** It has an init to put in front of programs that ignore TERM. */
  hasInit: boolean;
}

/** Sockets of Docker and Podman that exist, in the order in which they are tried. */
export function dockerSockets(location: DockerLocation): string[] {
  if (location.host !== undefined) return [location.host.replace(/^unix:\/\//, '')];
  const own =
    location.runtimeFolder === undefined
      ? []
      : ['docker.sock', 'podman/podman.sock'].map((name) => path.join(location.runtimeFolder ?? '', name));
  return ['/var/run/docker.sock', ...own, '/run/podman/podman.sock'].filter((file) => existsSync(file));
}

/** The first daemon that answers, or why none does. */
export async function connectDocker(location: DockerLocation): Promise<DockerConnection | { reason: string }> {
  const problems: string[] = [];
  for (const socket of dockerSockets(location)) {
    const docker = socket.startsWith('tcp://') ? tcpClient(socket) : new Docker({ socketPath: socket });
    try {
      const info = (await docker.info()) as { InitBinary?: string };
      return { docker, hasInit: (info.InitBinary ?? '') !== '' };
    } catch (error) {
      problems.push(`${socket}: ${messageOf(error)}`);
    }
  }
  return { reason: problems.length === 0 ? 'no socket of Docker or Podman was found' : problems.join('; ') };
}

function tcpClient(address: string): Docker {
  const url = new URL(address);
  return new Docker({ protocol: 'http', host: url.hostname, port: url.port });
}

/** HTTP status of an answer of the daemon; undefined where it did not answer. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

export function messageOf(error: unknown): string {
  const reason = (error as { json?: { message?: unknown } | null } | null)?.json?.message;
  if (typeof reason === 'string') return reason;
  return error instanceof Error ? error.message : String(error);
}

/** Turns what the client throws into RuntimeUnavailableError; the given statuses are answered with `otherwise`. */
export async function ask<T>(call: () => Promise<T>, otherwise: ReadonlyMap<number, T> = new Map()): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof UserError) throw error;
    const status = statusOf(error);
    if (status !== undefined && otherwise.has(status)) return otherwise.get(status) as T;
    throw new RuntimeUnavailableError(`docker: ${messageOf(error)}`, { cause: error });
  }
}
