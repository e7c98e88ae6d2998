import { type LoggerService } from '@nestjs/common';

import { type Logger } from './logger.js';

/** Lets Nest write its own messages through the program's logger: routine ones as debug, warnings and errors as such. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(String(message), context(rest));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(String(message), context(rest));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(String(message), context(rest));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn(String(message), context(rest));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.logger.error(String(message), context(rest));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.logger.error(String(message), context(rest));
  }
}

/** Nest passes optional details (a stack, say) and, last, the class that speaks. */
function context(rest: unknown[]): Record<string, unknown> {
  const speaker = rest.at(-1);
  const details = rest.slice(0, -1).filter((detail) => detail !== undefined);
  return { ...(speaker === undefined ? {} : { context: speaker }), ...(details.length === 0 ? {} : { details }) };
}
