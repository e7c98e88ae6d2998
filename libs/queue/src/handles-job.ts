import { type ArgumentsHost, applyDecorators, Catch, type RpcExceptionFilter, UseFilters } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';

import { type JobRoute } from '#libs/jobs';

/** Hands a handler's error to the queue as it is: its class decides what becomes of the hint. */
@Catch()
class HandlerErrorFilter implements RpcExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/**
 * Marks a controller's method as the handler of a job of the catalogue: `handle(payload): Promise<JobOutcome>`. The
 * program must claim the job in its BullMqServer.
 */
export function HandlesJob(job: JobRoute): MethodDecorator {
  return applyDecorators(EventPattern(job.pattern) as MethodDecorator, UseFilters(new HandlerErrorFilter()));
}
