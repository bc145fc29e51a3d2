import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

const HERE = import.meta.dirname;
const ROOT = resolve(HERE, '../../..');

/** What a process has reached for, until its end. */
export interface Watched {
  readonly printed: string;
  /** `host:port` of every connection it began. */
  readonly addresses: readonly string[];
  /** The kinds of requests that it sent to brokers, by their numbers in Kafka's protocol. */
  readonly requests: readonly number[];
  /** Our own files, by their sources, and packages. */
  readonly sources: readonly string[];
  readonly packages: readonly string[];
}

/** Runs a script of this folder to its end, and watches it. */
export async function watched(script: string, variables: Readonly<Record<string, string>>): Promise<Watched> {
  const folder = await mkdtemp(join(tmpdir(), 'carat-watched-'));
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', join(HERE, 'watch.process.ts'), join(HERE, script)],
    { env: { PATH, HOME, WATCHED: join(folder, 'watched.json'), ...variables }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [printed, said] = ['', ''];
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${script} ended with ${code}:\n${said}`);
  const { addresses, requests, files } = JSON.parse(await readFile(join(folder, 'watched.json'), 'utf8')) as {
    addresses: string[];
    requests: number[];
    files: string[];
  };
  await rm(folder, { recursive: true });
  const paths = files.map((file) => relative(ROOT, file));
  const packages = paths.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return {
    printed,
    addresses,
    requests,
    sources: paths
      .filter((path) => /^(apps|libs)\//.test(path) && !path.includes('node_modules'))
      .map((path) => path.replace('/dist/', '/src/').replace(/\.js$/, '.ts')),
    packages: [...new Set(packages)],
  };
}

/** A payout provider that only counts who comes. */
export async function silentProvider(): Promise<{ readonly url: string; calls(): number; close(): Promise<void> }> {
  let calls = 0;
  const server: Server = createServer((socket) => {
    calls += 1;
    socket.on('error', () => undefined).resume();
    socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls: () => calls,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}
