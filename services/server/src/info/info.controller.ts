import { Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';

/** The version of Argo's API that this server speaks; clients compare it with their own. */
const ARGO_VERSION = 'v4.1.2';

type Answer = Record<string, unknown>;

/** What clients and the web page ask at their start. */
@Controller('api/v1')
export class InfoController {
  constructor(@Inject(SERVER_CONTEXT) private readonly context: ServerContext) {}

  @Get('version')
  version(): Answer {
    return {
      version: ARGO_VERSION,
      buildDate: '1970-01-01T00:00:00Z',
      gitCommit: 'argosy',
      gitTag: ARGO_VERSION,
      gitTreeState: 'clean',
      goVersion: 'none',
      compiler: 'gc',
      platform: 'linux/amd64',
    };
  }

  @Get('info')
  info(): Answer {
    const { managedNamespace } = this.context.config;
    const { links, columns, navColor } = this.context.controllerConfig?.state().config ?? {};
    return {
      ...(managedNamespace === undefined ? {} : { managedNamespace }),
      ...(links === undefined ? {} : { links }),
      ...(columns === undefined ? {} : { columns }),
      ...(navColor === undefined ? {} : { navColor }),
      modals: { feedback: true, firstTimeUser: true, newVersion: true },
    };
  }

  /** Nobody is signed in: a bearer token names no person. */
  @Get('userinfo')
  userInfo(): Answer {
    return {};
  }

  /** The web page reports what it shows; nothing is kept. */
  @Post('tracking/event')
  @HttpCode(200)
  trackingEvent(): Answer {
    return {};
  }
}
