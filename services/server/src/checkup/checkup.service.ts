import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ArtifactDrivers } from '#libs/artifacts';
import { Store, StoreUnavailableError } from '#libs/store';
import {
  artifactKeyField,
  type ArtifactLocation,
  parseArtifactRepository,
  PermanentError,
  TransientError,
  UserError,
} from '#libs/workflow-spec';
import { ARTIFACT_DRIVERS, SERVER_CONTEXT, type ServerContext } from '../ports.js';

/** One thing that was looked at. `advice` says what to do where it is not well. */
export interface Finding {
  name: 'configuration' | 'database' | 'clock' | 'queue' | 'pods' | 'artifacts';
  state: 'ok' | 'warning' | 'failed';
  message: string;
  advice?: string;
}

/** Hosts write their heartbeat every half minute by default; two may be missed. */
const HOST_SILENT_MS = 90_000;
const CLOCK_TOLERANCE_MS = 2_000;
const PROBE_FOLDER = '.argosy-checkup';

/** Looks at what an installation stands on, each part by itself: a part that is away is a finding, never an error. */
@Injectable()
export class CheckupService {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
    @Inject(ARTIFACT_DRIVERS) private readonly artifacts: ArtifactDrivers,
  ) {}

  async look(): Promise<Finding[]> {
    const parts = await Promise.all([this.database(), this.queue(), this.pods(), this.repository()]);
    return [...this.configuration(), ...parts.flat()];
  }

  private configuration(): Finding[] {
    const { controllerConfig } = this.context;
    if (controllerConfig === undefined) return [];
    const { config, problems, resourceVersion } = controllerConfig.state();
    const name = 'configuration';
    if (problems.length > 0) {
      const advice =
        'repair the ConfigMap of the controller: until then the last good one counts, or work waits where a program had none';
      return problems.map((problem) => ({ name, state: 'failed', message: problem, advice }));
    }
    const keys = Object.keys(config).join(', ') || 'empty';
    const message =
      resourceVersion === undefined
        ? 'no ConfigMap of the controller: defaults and variables are in effect'
        : `ConfigMap of the controller, version ${resourceVersion}: ${keys}`;
    return [{ name, state: 'ok', message }];
  }

  private async database(): Promise<Finding[]> {
    const startedAtMs = this.context.clock.nowMs();
    try {
      const theirsMs = await this.store.databaseTimeMs();
      const endedAtMs = this.context.clock.nowMs();
      const offsetMs = Math.round(theirsMs - (startedAtMs + endedAtMs) / 2);
      return [
        { name: 'database', state: 'ok', message: `answers within ${endedAtMs - startedAtMs} ms` },
        Math.abs(offsetMs) <= CLOCK_TOLERANCE_MS
          ? { name: 'clock', state: 'ok', message: `${Math.abs(offsetMs)} ms from that of the database` }
          : {
              name: 'clock',
              state: 'warning',
              message: `${Math.abs(offsetMs)} ms from that of the database`,
              advice: 'keep the clocks of all hosts together (NTP): deadlines and schedules follow the clock of whoever looks',
            },
      ];
    } catch (error) {
      const isRefusal = error instanceof StoreUnavailableError && error.isRefusal;
      const advice = isRefusal
        ? 'look at the account, the password and the name of the database in DATABASE_URL; programs read it at their start, so restart all where it has changed'
        : 'nothing is taken until it is back; programs go on by themselves then';
      return [{ name: 'database', state: 'failed', message: wordsOf(error), advice }];
    }
  }

  private async queue(): Promise<Finding[]> {
    const { checkup } = this.context;
    if (checkup === undefined) return [];
    if (await checkup.queueIsReady().catch(() => false)) return this.queueSettings(checkup);
    const advice = 'work waits for sweeps until it is back; look at REDIS_URL and at Redis itself';
    return [{ name: 'queue', state: 'failed', message: 'cannot be reached', advice }];
  }

  private async queueSettings(checkup: NonNullable<ServerContext['checkup']>): Promise<Finding[]> {
    const problem = await checkup.queueProblem().catch(() => undefined);
    if (problem === undefined) return [{ name: 'queue', state: 'ok', message: 'answers' }];
    return [
      {
        name: 'queue',
        state: 'warning',
        message: problem,
        advice: 'set maxmemory-policy to noeviction: otherwise hints are lost',
      },
    ];
  }

  private async pods(): Promise<Finding[]> {
    try {
      const nowMs = this.context.clock.nowMs();
      const hosts = await this.store.podHosts.list();
      const alive = hosts.filter(({ seenAtMs }) => nowMs - seenAtMs < HOST_SILENT_MS);
      const silent = hosts.filter((host) => !alive.includes(host)).map(({ host }) => host);
      const told: Finding[] =
        alive.length > 0
          ? [
              {
                name: 'pods',
                state: 'ok',
                message: `run on ${alive.map(({ host, runtime }) => `${host} (${runtime})`).join(', ')}`,
              },
            ]
          : [
              {
                name: 'pods',
                state: 'failed',
                message: 'no pod-manager is alive',
                advice: 'start one: until then pods stay Pending',
              },
            ];
      if (silent.length === 0) return told;
      const advice = 'a host that comes back goes on with its pods; otherwise they are lost after HOST_DEAD_AFTER';
      return [...told, { name: 'pods', state: 'warning', message: `not heard of: ${silent.join(', ')}`, advice }];
    } catch (error) {
      // Where the database is away, that is the finding.
      if (error instanceof TransientError) return [];
      const advice = 'look at the log of the server: what is stored cannot be read';
      return [{ name: 'pods', state: 'failed', message: wordsOf(error), advice }];
    }
  }

  /** Writes, reads and deletes one small object in the repository of the controller's ConfigMap, else in that of the variable. */
  private async repository(): Promise<Finding[]> {
    const { controllerConfig, checkup, config } = this.context;
    const repository =
      controllerConfig?.state().config.artifactRepository ?? parseArtifactRepository(config.artifactRepository ?? '');
    if (checkup === undefined) return [];
    if (!repository) {
      const message = 'no repository for all workflows: those with artifacts need one of their own';
      return [{ name: 'artifacts', state: 'ok', message }];
    }
    const { driver: kind, location } = repository;
    const text = randomUUID();
    const block = { ...(location[kind] as object), [artifactKeyField(kind) ?? 'key']: `${PROBE_FOLDER}/${text}` };
    const probe = { [kind]: block } as ArtifactLocation;
    try {
      const driver = this.artifacts.driverFor(probe, { namespace: checkup.controllerNamespace });
      await driver.save(probe, Readable.from([text]), { sizeBytes: text.length });
      const kept = await textOf(await driver.load(probe));
      await driver.delete(probe);
      if (kept !== text) throw new TransientError('what was read is not what was written');
      return [{ name: 'artifacts', state: 'ok', message: `the ${kind} repository takes, gives and deletes objects` }];
    } catch (error) {
      const advice =
        'steps with artifacts wait or fail: look at the endpoint, the bucket and its credentials in artifactRepository (ARTIFACT_REPOSITORY)';
      return [{ name: 'artifacts', state: 'failed', message: `the ${kind} repository: ${wordsOf(error)}`, advice }];
    }
  }
}

/** Errors of ours carry no secrets; of any other only its kind is told. */
const wordsOf = (error: unknown): string => {
  if (error instanceof TransientError || error instanceof UserError || error instanceof PermanentError) return error.message;
  return error instanceof Error ? error.name : 'unknown error';
};

const textOf = async (body: AsyncIterable<unknown>): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
};
