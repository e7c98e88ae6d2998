import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Answers every request on port 80, as nginx does with its welcome page. */
const PROGRAM = `#!/bin/sh
exec python3 -c '
from http.server import BaseHTTPRequestHandler, HTTPServer
class Welcome(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Welcome to nginx!")
class Server(HTTPServer):
    # Pods of the sandbox share the network of the host.
    allow_reuse_port = True
Server(("", 80), Welcome).serve_forever()'
`;

/** Makes a stand-in for the image nginx below `folder`; gives what the image catalogue says of it. */
export const makeNginxImage = async (folder: string): Promise<{ root: string; entrypoint: string[] }> => {
  const root = path.join(folder, 'nginx-image');
  const programs = path.join(root, 'usr', 'local', 'bin');
  await mkdir(programs, { recursive: true });
  await writeFile(path.join(programs, 'nginx'), PROGRAM);
  await chmod(path.join(programs, 'nginx'), 0o755);
  return { root, entrypoint: ['nginx'] };
};
