import type { Container, KubernetesObject } from '#libs/workflow-spec';

import { PodRefusedError } from '../errors.js';

/** How a probe asks. */
export type ProbeQuestion =
  | { type: 'exec'; command: string[] }
  | { type: 'http'; host?: string; port: number; path: string; secure: boolean; headers: Record<string, string> }
  | { type: 'tcp'; host?: string; port: number };

/** A probe with all defaults filled in. */
export interface Probe {
  question: ProbeQuestion;
  initialDelayMs: number;
  periodMs: number;
  timeoutMs: number;
  successThreshold: number;
  failureThreshold: number;
}

/** The probes of a container; absent where it has none of the kind. */
export interface ContainerProbes {
  startup?: Probe;
  readiness?: Probe;
  liveness?: Probe;
}

const DEFAULT_PERIOD_SECONDS = 10;
const DEFAULT_TIMEOUT_SECONDS = 1;
const DEFAULT_FAILURES = 3;

/** Reads the probes of a container. Throws PodRefusedError for kinds that are not supported, by name. */
export function containerProbes(container: Container): ContainerProbes {
  const probes: ContainerProbes = {};
  const [startup, readiness, liveness] = (['startupProbe', 'readinessProbe', 'livenessProbe'] as const).map((field) =>
    container[field] === undefined ? undefined : probeOf(container[field] as KubernetesObject, field, container),
  );
  if (startup !== undefined) probes.startup = startup;
  if (readiness !== undefined) probes.readiness = readiness;
  if (liveness !== undefined) probes.liveness = liveness;
  return probes;
}

function probeOf(written: KubernetesObject, field: string, container: Container): Probe {
  const seconds = (name: string, otherwise: number): number => {
    const value = written[name];
    return typeof value === 'number' && value > 0 ? value : otherwise;
  };
  return {
    question: questionOf(written, field, container),
    initialDelayMs: seconds('initialDelaySeconds', 0) * 1000,
    periodMs: seconds('periodSeconds', DEFAULT_PERIOD_SECONDS) * 1000,
    timeoutMs: seconds('timeoutSeconds', DEFAULT_TIMEOUT_SECONDS) * 1000,
    successThreshold: seconds('successThreshold', 1),
    failureThreshold: seconds('failureThreshold', DEFAULT_FAILURES),
  };
}

interface HttpGet {
  host?: string;
  port?: number | string;
  path?: string;
  scheme?: string;
  httpHeaders?: { name: string; value: string }[];
}

function questionOf(written: KubernetesObject, field: string, container: Container): ProbeQuestion {
  const { exec, httpGet, tcpSocket } = written as { exec?: { command?: string[] }; httpGet?: HttpGet; tcpSocket?: HttpGet };
  const where = `container ${container.name ?? ''}: ${field}`;
  if (exec !== undefined) return { type: 'exec', command: exec.command ?? [] };
  if (httpGet !== undefined) {
    return {
      type: 'http',
      ...hostOf(httpGet),
      port: portOf(httpGet.port, container, where),
      path: httpGet.path ?? '/',
      secure: httpGet.scheme?.toUpperCase() === 'HTTPS',
      headers: Object.fromEntries((httpGet.httpHeaders ?? []).map(({ name, value }) => [name, value])),
    };
  }
  if (tcpSocket !== undefined) return { type: 'tcp', ...hostOf(tcpSocket), port: portOf(tcpSocket.port, container, where) };
  const kind = ['grpc'].find((name) => written[name] !== undefined) ?? 'without an action';
  throw new PodRefusedError(`${where}: ${kind} is not supported by this runtime`);
}

const hostOf = ({ host }: HttpGet): { host?: string } => (host === undefined || host === '' ? {} : { host });

function portOf(port: number | string | undefined, container: Container, where: string): number {
  const ports = (container.ports ?? []) as { name?: string; containerPort?: number }[];
  const found =
    typeof port === 'string' && !/^\d+$/.test(port) ? ports.find(({ name }) => name === port)?.containerPort : Number(port);
  if (found === undefined || !Number.isInteger(found)) throw new PodRefusedError(`${where}: no port ${String(port)}`);
  return found;
}
