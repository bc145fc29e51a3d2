import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { EventLog } from '@carat/event-log';
import { encode } from '@carat/events';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type DemoGift, giftsPerSecondAt, liveEvening, nextGifts } from './live-evening.js';

const TICK_MS = 200;
const SOURCE = '/demo';
const CATALOGUE = new URL('../../../../data/catalogue.json', import.meta.url);

/** Publishes an evening of gifts to gift.requests.v1, as an upstream service would, until the process stops. */
@Injectable()
export class DemoPublisher implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private published = 0;
  private publishing: Promise<void> = Promise.resolve();
  // Every start is an evening of its own: ids of an earlier one would be replays.
  private readonly evening = randomUUID().slice(0, 8);

  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(ENVIRONMENT) private readonly environment: { readonly CARAT_DEMO: boolean },
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.environment.CARAT_DEMO) return;
    const gifts = liveEvening(Date.now() % 2 ** 31, JSON.parse(await readFile(CATALOGUE, 'utf8')));
    const startedMs = Date.now();
    let owed = 0;
    let busy = false;
    this.timer = setInterval(() => {
      owed += (giftsPerSecondAt(Date.now() - startedMs) * TICK_MS) / 1000;
      if (busy) return;
      const count = Math.floor(owed);
      owed -= count;
      busy = true;
      // A log that is away for a moment costs the demo a tick, nothing else.
      this.publishing = this.publish(nextGifts(gifts, count))
        .catch(() => undefined)
        .finally(() => {
          busy = false;
        });
    }, TICK_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.publishing;
  }

  private async publish(gifts: readonly DemoGift[]): Promise<void> {
    if (gifts.length === 0) return;
    const time = new Date().toISOString();
    await this.log.publish(
      'gift.requests.v1',
      gifts.map((gift) => ({ key: Buffer.from(gift.creatorId), value: encode(this.requestOf(gift, time)) })),
    );
  }

  private requestOf({ liveId, ...gift }: DemoGift, time: string): object {
    const id = `${this.evening}-${++this.published}`;
    return {
      specversion: '1.0',
      id,
      type: 'carat.gift.requested.v1',
      source: SOURCE,
      subject: gift.creatorId,
      time,
      data: { ...gift, context: { kind: 'live', id: liveId }, funding: { kind: 'external', reference: `demo-${id}` } },
    };
  }
}
