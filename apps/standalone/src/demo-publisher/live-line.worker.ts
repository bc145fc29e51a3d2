import type { EventLog } from '@carat/event-log';
import type { Topic } from '@carat/events';
import { EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type LiveFigures, liveLine } from './live-line.js';

const EVERY_MS = 1000;
const FOLLOWED: readonly Topic[] = ['gift.requests.v1', 'gift.events.v1', 'diamond.events.v1'];

interface Row {
  transfers: string;
  earned: string;
  consumed: string;
}

/** One line at the foot of the terminal that says how it goes. Not where nobody looks: in a pipe it is silent. */
@Injectable()
export class LiveLine implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private before: LiveFigures | undefined;

  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    private readonly db: DataSource,
  ) {}

  onApplicationBootstrap(): void {
    if (!process.stderr.isTTY) return;
    let looking = false;
    this.timer = setInterval(() => {
      if (looking) return;
      looking = true;
      this.look()
        .catch(() => undefined)
        .finally(() => {
          looking = false;
        });
    }, EVERY_MS);
  }

  onApplicationShutdown(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    process.stderr.write('\n');
  }

  private async look(): Promise<void> {
    const ends = await this.log.ends(FOLLOWED);
    const published = FOLLOWED.flatMap((topic) => ends[topic] ?? []).reduce((sum, end) => sum + end, 0n);
    const [row] = (await this.db.query(
      `SELECT (SELECT coalesce(max(id), 0) FROM payout.transfer) AS transfers,
              (SELECT coalesce(sum(earned), 0) FROM payout.balance) AS earned,
              (SELECT coalesce(sum(next_offset), 0) FROM journal.consumer_offset
               WHERE log_id = $1 AND topic = ANY($2)) AS consumed`,
      [this.log.id, FOLLOWED],
    )) as [Row];
    const now: LiveFigures = {
      atMs: Date.now(),
      credits: BigInt(row.transfers),
      earnedMillidiamonds: BigInt(row.earned),
      lagEvents: published - BigInt(row.consumed),
    };
    process.stderr.write(`\r\u001b[2K${liveLine(now, this.before)}`);
    this.before = now;
  }
}
