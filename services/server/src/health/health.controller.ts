import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Store } from '#libs/store';

/** For probes; answered without a token. */
@Controller()
export class HealthController {
  constructor(@Inject(Store) private readonly store: Store) {}

  /** The process answers, whatever it depends on. */
  @Get('healthz')
  healthz(): Record<string, unknown> {
    return { status: 'ok' };
  }

  /** Whether requests can be served now. */
  @Get('readyz')
  async readyz(@Res() response: Response): Promise<void> {
    const { ready } = await this.store.health();
    response
      .status(ready ? 200 : 503)
      .json(ready ? { status: 'ok' } : { status: 'unavailable', message: 'the database cannot be reached' });
  }
}
