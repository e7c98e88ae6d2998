import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A way to a store that can be told to let nothing be deleted, as a bucket's policy does. */
export interface RefusingStore {
  /** Host and port. */
  endpoint: string;
  /** Answers 403 to whatever deletes. */
  refuses: boolean;
  close(): Promise<void>;
}

const DENIED = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>the policy of the bucket</Message></Error>';

const deletes = ({ method, url = '' }: IncomingMessage): boolean =>
  method === 'DELETE' || (method === 'POST' && /[?&]delete(=|&|$)/.test(url));

/** Passes everything on to the store at `target` (host and port), headers as they are, so that signatures hold. */
export async function refusingStore(target: string): Promise<RefusingStore> {
  const [host, port] = target.split(':');
  const state = { refuses: false };
  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    if (state.refuses && deletes(incoming)) {
      incoming.resume();
      response.writeHead(403, { 'content-type': 'application/xml' }).end(DENIED);
      return;
    }
    const { method, url, headers } = incoming;
    const passed = request({ host, port, method, path: url, headers, setHost: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
