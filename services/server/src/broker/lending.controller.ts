import { Body, Controller, Headers, HttpCode, Inject, Post, UseFilters } from '@nestjs/common';
import { ArtifactBroker } from './artifact-broker.service.js';
import { BrokerErrorFilter } from './broker-error.filter.js';
import { BrokerReason, BrokerRefusal } from './broker-errors.js';
import { BROKER_PATH, brokerOrder, contentUrl } from './broker-orders.js';

/** A request that the pod sends by itself. */
interface Lent {
  url: string;
  headers: Record<string, string>;
}

/** Lends presigned requests, or the way through this server where a store has none. */
@Controller(BROKER_PATH)
@UseFilters(BrokerErrorFilter)
export class LendingController {
  constructor(@Inject(ArtifactBroker) private readonly broker: ArtifactBroker) {}

  @Post('load')
  @HttpCode(200)
  async load(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<Lent> {
    const pod = await this.broker.podOf(token);
    const order = brokerOrder('place', body);
    const { driver, location } = await pod.toRead(order.location);
    const lent = await driver.presign?.(location, { operation: 'load', ...this.broker.life() });
    return lent === undefined ? { url: contentUrl({ location }), headers: {} } : { url: lent.url, headers: lent.headers };
  }

  @Post('save')
  @HttpCode(200)
  async save(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<Lent> {
    const pod = await this.broker.podOf(token);
    const { sizeBytes, metadata, ...order } = brokerOrder('save', body);
    const { driver, location } = await pod.toWrite(order.location);
    const marks = pod.marked(metadata);
    const lent = await driver.presign?.(location, { operation: 'save', sizeBytes, metadata: marks, ...this.broker.life() });
    return lent === undefined
      ? { url: contentUrl({ location, metadata }), headers: {} }
      : { url: lent.url, headers: lent.headers };
  }

  @Post('uploads')
  @HttpCode(200)
  async begin(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<object> {
    const pod = await this.broker.podOf(token);
    const { metadata, sizeBytes, partBytes, ...order } = brokerOrder('upload', body);
    const { driver, location } = await pod.toWrite(order.location);
    const upload = await driver.partUploads?.begin(location, { metadata: pod.marked(metadata), sizeBytes, partBytes });
    return upload ?? { url: contentUrl({ location, metadata }), headers: {} };
  }

  @Post('uploads/parts')
  @HttpCode(200)
  async parts(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<object> {
    const { location: asked, ...order } = brokerOrder('parts', body);
    const { uploads, location } = await this.uploadsOf(token, asked);
    const parts = await uploads.presignParts(location, { ...order, ...this.broker.life() });
    return { parts: parts.map(({ number, url, headers }) => ({ number, url, headers })) };
  }

  @Post('uploads/complete')
  @HttpCode(200)
  async complete(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<object> {
    const { location: asked, ...order } = brokerOrder('complete', body);
    const { uploads, location } = await this.uploadsOf(token, asked);
    await uploads.complete(location, order);
    return {};
  }

  @Post('uploads/abort')
  @HttpCode(200)
  async abort(@Headers('authorization') token: string | undefined, @Body() body: unknown): Promise<object> {
    const { location: asked, ...order } = brokerOrder('abort', body);
    const { uploads, location } = await this.uploadsOf(token, asked);
    await uploads.abort(location, order);
    return {};
  }

  private async uploadsOf(
    token: string | undefined,
    asked: Parameters<Awaited<ReturnType<ArtifactBroker['podOf']>>['toWrite']>[0],
  ) {
    const pod = await this.broker.podOf(token);
    const { driver, location } = await pod.toWrite(asked);
    if (driver.partUploads === undefined) throw new BrokerRefusal(BrokerReason.location, 'this store takes no parts');
    return { uploads: driver.partUploads, location };
  }
}
