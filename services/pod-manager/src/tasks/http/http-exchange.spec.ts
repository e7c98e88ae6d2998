import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchange, type HttpAnswer } from './http-exchange.js';

describe('an exchange by a socket', () => {
  let folder: string;
  let server: http.Server;
  let asked: string[];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'argosy-exchange-'));
    asked = [];
    server = http.createServer((request, response) => {
      asked.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
      const location = { '/near': '/here', '/far': 'http://127.0.0.1:1/there' }[request.url ?? ''];
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location });
      response.end('answer');
    });
    await new Promise<void>((resolve) => server.listen(path.join(folder, 'socket'), resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  const get = (url: string): Promise<HttpAnswer> =>
    exchange({
      method: 'GET',
      url,
      headers: [],
      body: Buffer.alloc(0),
      insecureSkipVerify: false,
      signal: new AbortController().signal,
      maxBodyBytes: 100,
      socketPath: path.join(folder, 'socket'),
    });

  it('asks there for the host of the URL, redirects included', async () => {
    const { statusCode, body } = await get('http://127.0.0.1:4355/near');
    expect([statusCode, body.toString()]).toEqual([200, 'answer']);
    expect(asked).toEqual(['127.0.0.1:4355/near', '127.0.0.1:4355/here']);
  });

  it('leaves it for another host', async () => {
    await expect(get('http://127.0.0.1:4355/far')).rejects.toThrow('connection refused');
    expect(asked).toEqual(['127.0.0.1:4355/far']);
  });
});
