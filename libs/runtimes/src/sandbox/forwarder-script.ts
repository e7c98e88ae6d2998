/**
 * The program of a forwarder, for `node -e`: listens on the socket that its first argument names in the folder where it is started, says
 * `ready`, and relays every connection to the port of 127.0.0.1 that is its second. It ends when its standard input does, which is when
 * whoever started it is gone. A connection that the port does not take is closed.
 */
export const FORWARDER_SCRIPT = `
const net = require('node:net');
const [, socket, port] = process.argv;
const end = () => process.exit(0);
process.stdin.on('end', end).on('close', end).on('error', end).resume();
process.umask(0o177);
net
  .createServer({ allowHalfOpen: true }, (outside) => {
    const inside = net.connect({ host: '127.0.0.1', port: Number(port), allowHalfOpen: true });
    const both = [outside, inside];
    for (const each of both) each.on('error', () => both.forEach((side) => side.destroy()));
    outside.on('close', () => inside.destroy());
    inside.on('close', () => outside.destroy());
    outside.pipe(inside);
    inside.pipe(outside);
  })
  .on('error', (error) => { console.error(error.message); process.exit(1); })
  .listen(socket, () => process.stdout.write('ready'));
`;
