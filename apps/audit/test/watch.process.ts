// Loaded before a process (`--import`), it writes down on its end what the process has reached for: every address it
// connected to, every kind of request it sent to a broker, and every file of ours and package that it loaded. WATCHED:
// where to write. Nothing is forbidden here: a spec judges what was written.
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { type NetConnectOpts, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const { WATCHED = '' } = process.env;
const [addresses, requests, files] = [new Set<string>(), new Set<number>(), new Set<string>()];

registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) files.add(fileURLToPath(url));
    return next(url, context);
  },
});

const { connect, write } = Socket.prototype;
const brokers = new WeakSet<Socket>();
const BROKERS = (process.env['KAFKA_BROKERS'] ?? '').split(',');

Socket.prototype.connect = function watched(this: Socket, ...given: unknown[]): Socket {
  const [first] = (Array.isArray(given[0]) ? given[0] : given) as [NetConnectOpts | number, string?];
  const { host, port } = typeof first === 'object' ? (first as { host?: string; port?: number }) : { port: first };
  const address = `${host ?? (Array.isArray(given[0]) ? 'localhost' : given[1])}:${port}`;
  addresses.add(address);
  if (BROKERS.includes(address)) brokers.add(this);
  return Reflect.apply(connect, this, given) as Socket;
} as typeof connect;

// A request of Kafka's protocol: its length in four bytes, then the number of its kind in two.
const KIND_AT = 4;
Socket.prototype.write = function watched(this: Socket, ...given: unknown[]): boolean {
  const [bytes] = given;
  if (brokers.has(this) && Buffer.isBuffer(bytes) && bytes.length > KIND_AT + 2)
    requests.add(bytes.readInt16BE(KIND_AT));
  return Reflect.apply(write, this, given) as boolean;
} as typeof write;

process.once('exit', () => {
  writeFileSync(WATCHED, JSON.stringify({ addresses: [...addresses], requests: [...requests], files: [...files] }));
});
