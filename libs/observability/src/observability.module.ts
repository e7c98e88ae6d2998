import { type DynamicModule, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';

import { HealthServer } from './health-server.js';
import { LOGGER, type Logger } from './logger.js';
import { METRICS, type Metrics } from './metrics.js';
import { READINESS, type Readiness } from './readiness.js';

export interface ObservabilityOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Port of /metrics, /healthz and /readyz; undefined starts no server. */
  readonly port: number | undefined;
}

class HealthServerLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  private server: HealthServer | undefined;

  constructor(private readonly options: ObservabilityOptions) {}

  async onApplicationBootstrap(): Promise<void> {
    const { port, logger, metrics, readiness } = this.options;
    if (port === undefined) return;
    this.server = new HealthServer({ port, metrics, readiness });
    logger.info('metrics and health are served', { port: await this.server.start() });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.server?.stop();
  }
}

/** Gives a Nest program its LOGGER, METRICS and READINESS, everywhere, and serves health and metrics while it runs. */
@Module({})
export class ObservabilityModule {
  static forRoot(options: ObservabilityOptions): DynamicModule {
    const { logger, metrics, readiness } = options;
    return {
      module: ObservabilityModule,
      global: true,
      providers: [
        { provide: LOGGER, useValue: logger },
        { provide: METRICS, useValue: metrics },
        { provide: READINESS, useValue: readiness },
        { provide: HealthServerLifecycle, useFactory: () => new HealthServerLifecycle(options) },
      ],
      exports: [LOGGER, METRICS, READINESS],
    };
  }
}
