import 'reflect-metadata';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigError, type ConfigOf, type ConfigShape, loadConfig } from '#libs/config';
import { NestLogger, ObservabilityModule, startTracing } from '#libs/observability';
import { BullMqServer, type ClaimedJob } from '#libs/queue';
import type { z } from 'zod';
import { openParts, type ProgramConfig, type ProgramParts } from './parts.js';

/** A service's module with the jobs that it claims, and what has to be closed after it. */
export interface BuiltService {
  module: DynamicModule;
  jobs: readonly ClaimedJob[];
  close?: () => Promise<void>;
}

export interface ProgramDefinition<Shape extends ConfigShape> {
  /** Name of the program, in logs and connections. */
  name: string;
  configSchema: z.ZodObject<Shape>;
  build(parts: ProgramParts, config: ConfigOf<z.ZodObject<Shape>>): Promise<BuiltService> | BuiltService;
}

/** Exit codes: 0 stopped as asked, 1 failed, 2 refused its configuration. */
const REFUSED = 2;

@Module({})
class ProgramRoot {}

/**
 * Runs a service as a program of its own: reads the configuration, opens the parts, takes jobs until it is told to stop
 * (SIGTERM, SIGINT), lets the handlers in progress finish. It starts and stays up while Postgres or the queue is away.
 */
export const runProgram = async <const Shape extends ConfigShape>(definition: ProgramDefinition<Shape>): Promise<void> => {
  try {
    await start(definition);
  } catch (error) {
    process.stderr.write(
      `${definition.name}: ${error instanceof ConfigError ? error.message : String((error as Error).stack)}\n`,
    );
    process.exitCode = error instanceof ConfigError ? REFUSED : 1;
    // A program that could not start must not linger on connections that it opened.
    setImmediate(() => process.exit());
  }
};

const start = async <Shape extends ConfigShape>(definition: ProgramDefinition<Shape>): Promise<void> => {
  const { name, configSchema } = definition;
  const config = loadConfig(configSchema);
  const common = config as unknown as ProgramConfig;
  const parts = openParts(name, common);
  const { logger, metrics, readiness, queueRuntime } = parts;
  const stopTracing = await startTracing(`argosy-${name}`, common.otelExporterOtlpEndpoint);
  process.on('unhandledRejection', (reason) => {
    logger.error('a rejection was not handled: a bug', {
      error: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason),
    });
  });
  const service = await definition.build(parts, config);
  const port = common.metricsPort === 0 ? undefined : common.metricsPort;
  const root: DynamicModule = {
    module: ProgramRoot,
    imports: [ObservabilityModule.forRoot({ logger, metrics, readiness, port }), service.module],
  };
  const app = await NestFactory.createMicroservice(root, {
    strategy: new BullMqServer(queueRuntime, service.jobs),
    logger: new NestLogger(logger),
  });
  await app.listen();
  logger.info('started', { jobs: service.jobs.map(({ job }) => job.queue) });

  await stopSignal();
  logger.info('stopping');
  await app.close();
  await service.close?.();
  await parts.close();
  await stopTracing();
};

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
