import { All, Controller } from '@nestjs/common';
import { NotServedError } from '../errors/errors.js';

/** Routes of Argo's API that are known but not served: each says by name what is missing. */
@Controller()
export class NotYetController {
  @All(['api/v1/event-sources/{*path}', 'api/v1/stream/event-sources/{*path}'])
  eventSources(): never {
    throw new NotServedError('event sources are');
  }

  @All(['api/v1/sensors/{*path}', 'api/v1/stream/sensors/{*path}'])
  sensors(): never {
    throw new NotServedError('sensors are');
  }

  @All('oauth2/{*path}')
  singleSignOn(): never {
    throw new NotServedError('single sign-on is');
  }
}
