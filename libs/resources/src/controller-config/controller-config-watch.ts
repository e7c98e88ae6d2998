import {
  type Clock,
  type ControllerConfig,
  ControllerConfigError,
  controllerConfigNotes,
  parseControllerConfig,
  TransientError,
} from '#libs/workflow-spec';
import type { Resource, ResourceStore } from '../contract.js';
import { ResourceNotFoundError } from '../errors.js';

/** What is known of the controller's configuration right now. */
export interface ControllerConfigState {
  /** The last one that could be read; empty where there is no ConfigMap. */
  readonly config: ControllerConfig;
  /** One line for each key in it that has no effect. */
  readonly notes: readonly string[];
  /** Version of the ConfigMap that `config` comes from; undefined where there is none. */
  readonly resourceVersion: string | undefined;
  /** Why the ConfigMap as it is now is not the one in effect, one line each; empty where it is. */
  readonly problems: readonly string[];
  /** When it was looked at last, in milliseconds since 1970; undefined before the first look. */
  readonly checkedAtMs: number | undefined;
}

interface ConfigLogger {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface ControllerConfigWatchOptions {
  resources: Pick<ResourceStore, 'get'>;
  /** Where the ConfigMap is: Argo's controller namespace and `workflow-controller-configmap`. */
  namespace: string;
  name: string;
  clock: Clock;
  logger: ConfigLogger;
  /** Between two looks; default 2 s. */
  intervalMs?: number;
}

/** The settings port: the controller's configuration as it is now, and who wants to know when it changes. */
export interface ControllerSettings {
  current(): ControllerConfig;
  /**
   * Resolves at once where the configuration has been read; else reads it. Throws TransientError where it cannot be read now, and as long
   * as none has been that is valid: work that went on without it would be done by rules that nobody wrote.
   */
  known(): Promise<void>;
  /** Called after each change with the new configuration; gives how to end it. A listener that throws is logged and kept. */
  onChange(listener: (config: ControllerConfig) => void): () => void;
}

const INTERVAL_MS = 2_000;
const NOTHING: ControllerConfigState = {
  config: {},
  notes: [],
  resourceVersion: undefined,
  problems: [],
  checkedAtMs: undefined,
};

/**
 * Keeps the controller's ConfigMap at hand and applies its changes while programs run. It is read by its key, so that other ConfigMaps
 * of the namespace (caches, above all) cost nothing. A configuration that cannot be read leaves the last good one in effect, or where
 * there was none lets work wait (`known`), and is said in the log and in `state()`. While the store is away the last one stays. States: new, watching, stopped.
 */
export class ControllerConfigWatch implements ControllerSettings {
  private latest: ControllerConfigState = NOTHING;
  /** The version looked at last, good or bad. */
  private seenVersion: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private isAway = false;
  /** Whether a configuration has been in effect; none at all is one. */
  private hasBeenGood = false;
  private readonly listeners = new Set<(config: ControllerConfig) => void>();

  constructor(private readonly options: ControllerConfigWatchOptions) {}

  current(): ControllerConfig {
    return this.latest.config;
  }

  async known(): Promise<void> {
    if (this.latest.checkedAtMs === undefined) await this.refresh();
    if (this.hasBeenGood) return;
    const { problems } = this.state();
    const why = problems.length === 0 ? 'not known yet' : `not valid: ${problems.join('; ')}`;
    throw new TransientError(`the controller's configuration is ${why}`);
  }

  state(): ControllerConfigState {
    return this.latest;
  }

  onChange(listener: (config: ControllerConfig) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Looks at once and then every interval, without keeping the process alive; resolves after the first look, whatever it found. */
  async start(): Promise<void> {
    this.timer ??= setInterval(() => void this.refresh(), this.options.intervalMs ?? INTERVAL_MS).unref();
    await this.refresh();
  }

  /** Ends after the look in progress. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.looking;
  }

  /** Looks now, or waits for the look in progress. Never rejects. */
  refresh(): Promise<void> {
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async look(): Promise<void> {
    const { resources, namespace, name, clock, logger } = this.options;
    try {
      const found = await resources.get({ kind: 'ConfigMap', namespace, name }).catch((error: unknown) => {
        if (error instanceof ResourceNotFoundError) return undefined;
        throw error;
      });
      this.take(found);
      this.latest = { ...this.latest, checkedAtMs: clock.nowMs() };
      this.isAway = false;
    } catch (error) {
      if (this.isAway) return;
      this.isAway = true;
      logger.warn("the controller's configuration cannot be read now; the last one stays", {
        configMap: `${namespace}/${name}`,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  private take(found: Resource | undefined): void {
    const version = found?.metadata.resourceVersion;
    if (version === this.seenVersion && this.latest.checkedAtMs !== undefined) return;
    this.seenVersion = version;
    try {
      this.accept(parseControllerConfig(found?.['data'] as Record<string, string> | undefined), version);
    } catch (error) {
      if (!(error instanceof ControllerConfigError)) throw error;
      this.latest = { ...this.latest, problems: error.issues };
      const instead = this.hasBeenGood ? 'the last good one stays in effect' : 'work waits until it is';
      this.options.logger.warn(`the controller's configuration is not valid; ${instead}`, {
        configMap: `${this.options.namespace}/${this.options.name}`,
        resourceVersion: version,
        problems: error.issues,
      });
    }
  }

  private accept(config: ControllerConfig, resourceVersion: string | undefined): void {
    const isSame = JSON.stringify(config) === JSON.stringify(this.latest.config);
    const notes = controllerConfigNotes(config);
    this.latest = { ...this.latest, config, notes, resourceVersion, problems: [] };
    this.hasBeenGood = true;
    if (isSame) return;
    const { logger } = this.options;
    logger.info("the controller's configuration is in effect", { resourceVersion, keys: Object.keys(config) });
    for (const note of notes) logger.warn("a key of the controller's configuration", { note });
    for (const listener of [...this.listeners]) this.tell(listener, config);
  }

  private tell(listener: (config: ControllerConfig) => void, config: ControllerConfig): void {
    try {
      listener(config);
    } catch (error) {
      this.options.logger.warn("a part of this program cannot use the controller's configuration", {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }
}

/** Settings that never change: for programs without a store, and for tests. */
export const fixedControllerSettings = (config: ControllerConfig = {}): ControllerSettings => ({
  current: () => config,
  known: () => Promise.resolve(),
  onChange: () => () => undefined,
});
