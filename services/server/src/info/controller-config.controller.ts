import { Controller, Get, Inject } from '@nestjs/common';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';

/**
 * What `argosy doctor` asks: which keys of the controller's ConfigMap are in effect, which of them have none, and why the stored one is
 * not used where it is not. No values: they may hold what not everybody has to see.
 */
@Controller('api/argosy/v1/controller-config')
export class ControllerConfigController {
  constructor(@Inject(SERVER_CONTEXT) private readonly context: ServerContext) {}

  @Get()
  show(): Record<string, unknown> {
    const { controllerConfig } = this.context;
    if (controllerConfig === undefined) return { keys: [], notes: [], problems: [] };
    const { config, notes, problems, resourceVersion, checkedAtMs } = controllerConfig.state();
    return {
      keys: Object.keys(config),
      notes,
      problems,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(checkedAtMs === undefined ? {} : { checkedAt: new Date(checkedAtMs).toISOString() }),
    };
  }
}
