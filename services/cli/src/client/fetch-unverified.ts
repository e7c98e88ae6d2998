import { request } from 'node:https';
import { Readable } from 'node:stream';

/** What this client asks of `fetch`. */
interface Asked {
  method: string;
  headers: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
}

/** Like `fetch` over TLS, with whatever certificate the server shows: `fetch` itself has no switch for that. */
export const fetchUnverified = (url: URL, { method, headers, body, signal }: Asked): Promise<Response> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, rejectUnauthorized: false, ...(signal ? { signal } : {}) }, (answer) => {
      const stream = Readable.toWeb(answer) as ReadableStream<Uint8Array>;
      resolve(new Response(stream, { status: answer.statusCode ?? 500 }));
    });
    asked.once('error', reject);
    asked.end(body);
  });
