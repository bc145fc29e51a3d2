import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { freePort } from '@carat/test-bed';

const APPS = resolve(import.meta.dirname, '../..');
const READY = /ready (http:\/\/\S+)/;

type App = 'gift-service' | 'conversion-service' | 'payout-service' | 'fake-provider' | 'ops-console' | 'standalone';
export type Environment = Readonly<Record<string, string>>;

/** A service as it is really run: a process of its own, over its built files. */
export class CaratProcess {
  private child: ChildProcess | undefined;
  private printed = '';
  url = '';

  private constructor(
    readonly app: App,
    private readonly environment: Environment,
  ) {}

  /** Starts it on a free port and waits for its ready line. */
  static async start(app: App, environment: Environment): Promise<CaratProcess> {
    const service = new CaratProcess(app, { PORT: String(await freePort()), ...environment });
    await service.start();
    return service;
  }

  /** Everything it printed so far, over all its lives. */
  get output(): string {
    return this.printed;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  async start(): Promise<void> {
    const { PATH = '', HOME = '', TMPDIR } = process.env;
    const child = spawn(process.execPath, ['--enable-source-maps', resolve(APPS, this.app, 'dist/main.js')], {
      env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const thisLife = this.printed.length;
    await new Promise<void>((ready, failed) => {
      const read = (chunk: Buffer): void => {
        this.printed += chunk.toString();
        const url = READY.exec(this.printed.slice(thisLife))?.[1];
        if (url === undefined) return;
        this.url = url;
        ready();
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
      child.once('exit', (code, signal) =>
        failed(
          new Error(`${this.app} ended (${code ?? signal}) before it was ready:\n${this.printed.slice(thisLife)}`),
        ),
      );
    });
  }

  /** SIGKILL: nothing is flushed, nothing is closed. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM, as an orderly stop. Answers the exit code. */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}
