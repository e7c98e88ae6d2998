import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Body, Controller, Get, Headers, HttpCode, Inject, Post, Put, Query, Req, Res, UseFilters } from '@nestjs/common';
import { packFolder, type StoredObject } from '#libs/artifacts';
import type { Request, Response } from 'express';
import { ArtifactBroker } from './artifact-broker.service.js';
import { BrokerErrorFilter } from './broker-error.filter.js';
import { BrokerReason, BrokerRefusal } from './broker-errors.js';
import { BROKER_PATH, brokerOrder, encodedField } from './broker-orders.js';

interface ContentQuery {
  location?: string;
  metadata?: string;
}

/** Does for a pod what cannot be lent: questions about objects, and bytes of stores without presigned requests. */
@Controller(BROKER_PATH)
@UseFilters(BrokerErrorFilter)
export class ProxyingController {
  constructor(@Inject(ArtifactBroker) private readonly broker: ArtifactBroker) {}

  @Post('place')
  @HttpCode(200)
  async place(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<object> {
    await this.readable(token, body);
    return {};
  }

  @Post('head')
  @HttpCode(200)
  async head(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<object> {
    const { driver, location } = await this.readable(token, body);
    return { object: (await driver.head(location)) ?? null };
  }

  @Post('is-directory')
  @HttpCode(200)
  async isDirectory(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<object> {
    const { driver, location } = await this.readable(token, body);
    return { isDirectory: await driver.isDirectory(location) };
  }

  @Post('delete')
  @HttpCode(200)
  async delete(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<object> {
    const pod = await this.broker.podOf(token);
    const { driver, location } = await pod.toDelete(brokerOrder('place', body).location);
    await driver.delete(location);
    return {};
  }

  @Post('list')
  @HttpCode(200)
  async list(
    @Headers('authorization') token: string | undefined,
    @Body() body: unknown,
    @Res() response: Response,
  ): Promise<void> {
    const { driver, location } = await this.readable(token, body);
    const objects = driver.list(location)[Symbol.asyncIterator]();
    // The first one is asked for before anything is said, so that a store's refusal is the answer.
    const first = await objects.next();
    await sent(Readable.from(lines(first, objects), { objectMode: false }), response, 'application/x-ndjson');
  }

  @Post('folder')
  @HttpCode(200)
  async folder(
    @Headers('authorization') token: string | undefined,
    @Body() body: unknown,
    @Res() response: Response,
  ): Promise<void> {
    const { driver, location } = await this.readable(token, body);
    if (driver.loadFolder === undefined) throw new BrokerRefusal(BrokerReason.location, 'this store keeps objects, no folders');
    const workFolder = await mkdtemp(path.join(tmpdir(), 'argosy-broker-'));
    try {
      const folder = path.join(workFolder, 'content');
      await driver.loadFolder(location, folder);
      await sent(packFolder(folder), response, 'application/gzip');
    } finally {
      await rm(workFolder, { recursive: true, force: true });
    }
  }

  @Get('content')
  async download(@Headers('authorization') token: string | undefined, @Query() query: ContentQuery, @Res() response: Response) {
    const { driver, location } = await this.readable(token, { location: encodedField(query.location) });
    await sent(await driver.load(location), response, 'application/octet-stream');
  }

  @Put('content')
  async upload(@Headers('authorization') token: string | undefined, @Query() query: ContentQuery, @Req() request: Request) {
    const pod = await this.broker.podOf(token);
    const order = brokerOrder('content', { location: encodedField(query.location), metadata: encodedField(query.metadata) });
    const { driver, location } = await pod.toWrite(order.location);
    const announced = request.headers['content-length'];
    const sizeBytes = announced === undefined ? {} : { sizeBytes: Number(announced) };
    await driver.save(location, request, { metadata: pod.marked(order.metadata), ...sizeBytes });
    return {};
  }

  private async readable(token: string | undefined, body: unknown) {
    const pod = await this.broker.podOf(token);
    return pod.toRead(brokerOrder('place', body).location);
  }
}

async function* lines(first: IteratorResult<StoredObject>, rest: AsyncIterator<StoredObject>): AsyncGenerator<string> {
  for (let next = first; next.done !== true; next = await rest.next()) yield `${JSON.stringify(next.value)}\n`;
  yield '\n';
}

/** A pod that goes away in the middle is no failure of ours. */
async function sent(body: Readable, response: Response, type: string): Promise<void> {
  response.setHeader('Content-Type', type);
  try {
    await pipeline(body, response);
  } catch (error) {
    if (!response.destroyed) throw error;
  }
}
