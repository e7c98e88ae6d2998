import { connect } from 'node:net';

/** Sends one command without arguments to a Redis at `url` and answers its reply line. */
export function redisCommand(url: string, command: 'FLUSHALL' | 'PING'): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(`${command}\r\n`));
    socket.setTimeout(5_000, () => socket.destroy(new Error(`redis does not answer ${command}`)));
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().trim());
    });
  });
}
