import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { JOURNAL_CHANNEL } from './append.store.js';

const RETRY_MS = 500;

/**
 * One connection beside the pool: it hears when something was appended, and it holds a lock per group, so that of all
 * processes on one database a single one follows a group. The lock dies with the connection, as the process does.
 */
export class JournalLease {
  private readonly appended = new EventEmitter().setMaxListeners(0);
  private client: pg.Client | undefined;
  private held = new Set<string>();
  private closed = false;
  private counted = 0;

  constructor(private readonly databaseUrl: string) {}

  /** How many wake-ups there were: take it before you look, and give it to `news`. */
  get wakeUps(): number {
    return this.counted;
  }

  /** Resolves at the first append since `seen`, or after `withinMs`. */
  async news(seen: number, withinMs: number): Promise<void> {
    if (seen !== this.counted) return;
    const waiting = new AbortController();
    await Promise.race([
      once(this.appended, 'append', { signal: waiting.signal }).catch(() => undefined),
      sleep(withinMs, undefined, { signal: waiting.signal }).catch(() => undefined),
    ]);
    waiting.abort();
  }

  /** Wakes whoever waits for news: to stop, or because this very process appended. */
  wake(): void {
    this.counted += 1;
    this.appended.emit('append');
  }

  /** True when this process holds the group, now and until its connection breaks. */
  async holds(group: string): Promise<boolean> {
    if (this.held.has(group)) return true;
    const client = await this.connection();
    if (client === undefined) return false;
    const { rows } = await this.ask<{ locked: boolean }>(client, 'pg_try_advisory_lock', group);
    const locked = rows[0]?.locked === true && client === this.client;
    if (locked) this.held.add(group);
    return locked;
  }

  async release(group: string): Promise<void> {
    if (!this.held.delete(group)) return;
    if (this.client !== undefined) await this.ask(this.client, 'pg_advisory_unlock', group);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.wake();
    await this.client?.end();
  }

  /** One question at a time: a connection takes no second one while it answers. */
  private ask<Row extends pg.QueryResultRow>(
    client: pg.Client,
    lock: string,
    group: string,
  ): Promise<pg.QueryResult<Row>> {
    const answer = this.asked.then(() =>
      client.query<Row>(`SELECT ${lock}(hashtextextended($1, 0)) AS locked`, [`carat:${group}`]),
    );
    this.asked = answer.catch(() => undefined);
    return answer;
  }

  private asked: Promise<unknown> = Promise.resolve();
  private opening: Promise<pg.Client | undefined> | undefined;

  private async connection(): Promise<pg.Client | undefined> {
    if (this.client !== undefined || this.closed) return this.client;
    this.opening ??= this.open().finally(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  private async open(): Promise<pg.Client | undefined> {
    const client = new pg.Client({ connectionString: this.databaseUrl, keepAlive: true });
    const lost = (): void => {
      if (this.client !== client) return;
      this.client = undefined;
      this.held = new Set();
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', () => this.wake());
    try {
      await client.connect();
      await client.query(`LISTEN ${JOURNAL_CHANNEL}`);
      this.client = client;
      return client;
    } catch {
      await client.end().catch(() => undefined);
      await sleep(RETRY_MS);
      return undefined;
    }
  }
}
