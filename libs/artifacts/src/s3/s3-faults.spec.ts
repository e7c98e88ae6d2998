import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { ArtifactDriver } from '../contract.js';
import { createArtifactDrivers, type ArtifactDrivers } from '../registry.js';

const SECRET = Buffer.alloc(32, 7).toString('base64');
type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const errorBody = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
const refusal =
  (status: number, code: string): Answer =>
  (request, response) => {
    request.resume().on('end', () => response.writeHead(status, { 'content-type': 'application/xml' }).end(errorBody(code)));
  };
const halfOf =
  (text: string): Answer =>
  (_request, response) => {
    response.writeHead(200, { 'content-length': text.length });
    response.write(text.slice(0, text.length / 2), () => response.destroy());
  };

describe('the s3 driver against a server that misbehaves', () => {
  let server: Server;
  let answers: Answer[];
  let requests: string[];
  let drivers: ArtifactDrivers;
  let driver: ArtifactDriver;
  const location = {
    s3: {
      endpoint: '',
      bucket: 'b',
      key: 'k',
      insecure: true,
      accessKeySecret: { name: 'c', key: 'a' },
      secretKeySecret: { name: 'c', key: 's' },
    },
  };

  beforeEach(async () => {
    answers = [];
    requests = [];
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      (answers.shift() ?? refusal(503, 'SlowDown'))(request, response);
    });
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    location.s3.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    drivers = createArtifactDrivers({ clock: { nowMs: () => 0 }, readSecret: async () => SECRET, s3: { maxAttempts: 1 } });
    driver = drivers.driverFor(location, { namespace: 'argo' });
  });
  afterEach(async () => {
    drivers.close();
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
  });

  const save = (): Promise<void> => driver.save(location, Readable.from([Buffer.from('x')]));

  it.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [429, 'TooManyRequests'],
    [408, 'RequestTimeout'],
  ])('takes %i %s for a store that is busy', async (status, code) => {
    for (const attempt of [
      () => driver.load(location),
      save,
      () => driver.head(location),
      () => driver.delete(location),
      () => driver.isDirectory(location),
    ]) {
      answers = [refusal(status, code)];
      await expect(attempt()).rejects.toMatchObject({ name: 'TransientError' });
    }
  });

  it.each([
    [403, 'AccessDenied'],
    [400, 'InvalidRequest'],
    [404, 'NoSuchBucket'],
    [501, 'NotImplemented'],
  ])('answers %i %s by its own class', async (status, code) => {
    answers = [refusal(status, code)];
    await expect(driver.load(location)).rejects.toMatchObject({
      name: status === 501 ? 'TransientError' : 'ArtifactAccessError',
    });
  });

  it('never takes half of an object for a whole one', async () => {
    answers = [halfOf('0123456789')];
    await expect(driver.load(location).then(buffer)).rejects.toMatchObject({ name: 'TransientError' });
  });

  it('takes a server that is not there for a store that is away', async () => {
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
    await expect(driver.load(location)).rejects.toMatchObject({ name: 'TransientError' });
    await expect(save()).rejects.toMatchObject({ name: 'TransientError' });
    server.listen(0);
  });

  it('discards the parts of an upload whose part is refused, asking again until none is left', async () => {
    const started: Answer = (request, response) => {
      request
        .resume()
        .on('end', () => response.end('<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>'));
    };
    const done: Answer = (_request, response) => response.writeHead(204).end();
    const partsLeft: Answer = (_request, response) =>
      response.end('<ListPartsResult><Part><PartNumber>1</PartNumber></Part></ListPartsResult>');
    let aborted = 0;
    const answer: Answer = (request, response) => {
      if (request.method === 'POST') return started(request, response);
      if (request.method === 'PUT') return refusal(403, 'AccessDenied')(request, response);
      if (request.method === 'DELETE') aborted += 1;
      if (request.method === 'GET') return (aborted < 3 ? partsLeft : refusal(404, 'NoSuchUpload'))(request, response);
      return done(request, response);
    };
    answers = Array.from({ length: 30 }, () => answer);
    const body = Readable.from(
      (function* (): Generator<Buffer> {
        for (let index = 0; index < 20; index += 1) yield Buffer.alloc(1024 ** 2);
      })(),
    );
    await expect(driver.save(location, body)).rejects.toMatchObject({ name: 'ArtifactAccessError' });
    expect(requests.filter((request) => request.startsWith('DELETE')).length).toBeGreaterThanOrEqual(3);
    expect(body.destroyed).toBe(true);
  });

  it('takes an upload for complete when the object is there, where the completion had to be asked for twice', async () => {
    const asked: string[] = [];
    let completions = 0;
    const answer: Answer = (request, response) => {
      request.resume().on('end', () => {
        const { method = '', url = '' } = request;
        if (url.includes('uploads='))
          return response.end('<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>');
        if (method === 'PUT') return response.writeHead(200, { etag: '"part"' }).end();
        if (method === 'POST') {
          completions += 1;
          if (completions === 1) return response.destroy();
          return response.end('<CompleteMultipartUploadResult><ETag>"new"</ETag></CompleteMultipartUploadResult>');
        }
        if (method !== 'HEAD') return response.end('<ListMultipartUploadsResult/>');
        asked.push(url);
        if (asked.length === 1) return response.writeHead(404).end();
        return response.writeHead(200, { etag: asked.length === 2 ? '"old"' : '"new"' }).end();
      });
    };
    answers = Array.from({ length: 30 }, () => answer);
    const patient = createArtifactDrivers({ clock: { nowMs: () => 0 }, readSecret: async () => SECRET, s3: { maxAttempts: 2 } });
    await patient.driverFor(location, { namespace: 'argo' }).save(location, Readable.from([Buffer.alloc(9 * 1024 ** 2)]));
    patient.close();
    expect([completions, asked.length]).toEqual([2, 3]);
  });
});
