import { describe, expect, it } from 'vitest';

import { createLogger, NestLogger } from './index.js';

function collect(format: 'json' | 'text', level: 'debug' | 'info' = 'debug') {
  const lines: string[] = [];
  const logger = createLogger({ program: 'scheduler', level, format, write: (line) => void lines.push(line) });
  return { logger, lines, last: (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

describe('logger', () => {
  it('writes one JSON object a line, with the program, the level and the fields of its ancestors', () => {
    const { logger, last } = collect('json');
    logger.child({ workflow: 'w1' }).child({ node: 'n1' }).warn('pod is missing', { namespace: 'argo' });
    expect(last()).toMatchObject({
      level: 'warn',
      program: 'scheduler',
      msg: 'pod is missing',
      workflow: 'w1',
      node: 'n1',
      namespace: 'argo',
    });
  });

  it('masks secrets by their usual names', () => {
    const { logger, lines } = collect('json');
    logger.info('connecting', {
      password: 'hunter2',
      s3: { secretKey: 'hunter2' },
      headers: { authorization: 'Bearer hunter2' },
    });
    expect(lines.join()).not.toContain('hunter2');
  });

  it('writes an error with its stack', () => {
    const { logger, last } = collect('json');
    logger.error('failed', { error: new TypeError('oops') });
    expect(last()['error']).toMatch(/^TypeError: oops\n.*at /s);
  });

  it('leaves out what is less severe than its level', () => {
    const { logger, lines } = collect('json', 'info');
    logger.debug('details');
    expect(lines).toEqual([]);
  });

  it('writes short lines for people', () => {
    const { logger, lines } = collect('text');
    logger.info('started', { port: 9090 });
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}scheduler started port=9090\n$/);
  });

  it("takes Nest's messages: routine ones as debug, warnings as such, with the class that speaks", () => {
    const { logger, last } = collect('json');
    const nest = new NestLogger(logger);
    nest.log('Starting Nest application...', 'NestFactory');
    expect(last()).toMatchObject({ level: 'debug', context: 'NestFactory' });
    nest.error('boom', 'the stack', 'ExceptionHandler');
    expect(last()).toMatchObject({ level: 'error', msg: 'boom', details: ['the stack'], context: 'ExceptionHandler' });
  });
});
