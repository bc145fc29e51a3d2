import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A part of the test bed at work, and how to end it. */
export interface Started {
  /** What to connect to: a URL or a list of brokers. */
  readonly address: string;
  /** Where it came from, for the one line that says what a run used. */
  readonly from: string;
  stop(): Promise<void>;
}

/** A TCP port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

/** Runs a command to its end; false when it is missing or fails. */
export const succeeds = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;

/** Runs a command to its end, feeding it `input`. Throws with what it printed when it fails. */
export async function runToEnd(command: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr.on('data', (chunk) => {
    printed += chunk;
  });
  // A command that ends before it has read its input is judged by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${printed}`);
  return printed;
}

/** Resolves when the process prints `line`; rejects when it ends first or stays silent too long. */
export function untilPrinted(child: ChildProcess, line: string, withinMs: number): Promise<void> {
  let log = '';
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${why}:\n${log}`));
    const timer = setTimeout(() => fail(`"${line}" not printed in ${withinMs} ms`), withinMs);
    const read = (chunk: Buffer): void => {
      log = (log + chunk.toString()).slice(-20_000);
      if (!log.includes(line)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', (error) => fail(String(error)));
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
  });
}
