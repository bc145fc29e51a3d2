import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../dist/main.js');

/** The notary as it is really run: a process of its own, over its built files. */
export class NotaryProcess {
  private child: ChildProcess | undefined;

  private constructor(private readonly environment: Readonly<Record<string, string>>) {}

  static async start(environment: Readonly<Record<string, string>>): Promise<NotaryProcess> {
    const notary = new NotaryProcess({ PORT: '0', ...environment });
    await notary.start();
    return notary;
  }

  /** Resolves at its ready line; rejects with what it printed when it ends before. */
  async start(): Promise<void> {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN], {
      env: { PATH, HOME, ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    let printed = '';
    await new Promise<void>((ready, failed) => {
      const read = (chunk: Buffer): void => {
        printed += chunk.toString();
        if (/^notary ready /m.test(printed)) ready();
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', () => failed(new Error(`the notary ended before it was ready:\n${printed}`)));
    });
  }

  /** SIGKILL: nothing is flushed, nothing is closed. */
  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  /** SIGTERM, as an orderly stop. */
  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}
