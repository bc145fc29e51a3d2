import type { EventLog } from '@carat/event-log';
import { append, openJournalLog } from '@carat/event-log/journal';
import { EventLogStrategy } from '@carat/event-log/nest';
import { Test } from '@nestjs/testing';
import type { DataSource } from 'typeorm';
import { DiamondLedgerFlow } from '../../payout-service/src/diamond-ledger/diamond-ledger.flow.js';
import { event } from '../../payout-service/test/ledger-events.js';
import { openPayoutDoors, type PayoutDoors } from '../../payout-service/test/payout-doors.js';
import { appOf, keepRate, MINIMUM } from '../../payout-service/test/redeeming.js';

/** payout-service at work on a journal of its own: its flow books what stands there, its doors decide. */
export interface BusyLedger extends Pick<PayoutDoors, 'db' | 'url' | 'keys' | 'send'> {
  readonly log: EventLog;
  /** Appends credits, reversals and awards of a few creators, as many as asked for. */
  give(count: number): Promise<void>;
  /** Creators redeem, and some cancel. */
  redeem(count: number): Promise<void>;
  /** Goes on with both until it is stopped; a stop waits for what is under way. */
  traffic(): { stop(): Promise<void> };
  /** Waits until the ledger has booked all that was appended; not while there is traffic. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const CREATORS = 40;
const RICH = 5;
const creatorOf = (n: number): string => `creator-${n % CREATORS}`;

export async function openBusyLedger(): Promise<BusyLedger> {
  let log: EventLog | undefined;
  const doors = await openPayoutDoors({}, async ({ db, url }) => {
    log = await openJournalLog({ db, databaseUrl: url, onAlarm: () => undefined });
    return log;
  });
  if (log === undefined) throw new Error('the doors have opened no log');
  const [{ db }, opened] = [doors, log];
  const module = await Test.createTestingModule({ controllers: [DiamondLedgerFlow] }).compile();
  const flow = module.createNestMicroservice({ strategy: new EventLogStrategy(opened, db), logger: false });
  await flow.listen();
  await keepRate(db);

  let [given, asked] = [0, 0];
  const give = async (count: number): Promise<void> => {
    const from = given;
    given += count;
    const numbers = Array.from({ length: count }, (_, index) => from + index);
    const diamonds = numbers.map((n) =>
      n % 7 === 6
        ? event('carat.diamonds.reversed.v1', { n, creatorId: creatorOf(n), millidiamonds: 300 })
        : event('carat.diamonds.credited.v1', { n, creatorId: creatorOf(n), millidiamonds: n < RICH ? 2 ** 50 : 500 }),
    );
    const awards = numbers
      .filter((n) => n % 5 === 0)
      .map((n) => event('carat.diamonds.awarded.v1', { n, creatorId: creatorOf(n), millidiamonds: 50 }));
    await db.transaction((tx) => append(tx, 'diamond.events.v1', diamonds as never));
    await db.transaction((tx) => append(tx, 'award.events.v1', awards as never));
  };
  const redeem = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const app = await appOf(doors, creatorOf(asked++ % RICH));
      const { body } = await app.redeemAnew(MINIMUM);
      if (asked % 2 === 0) await app.cancel(String(body['redemptionId']));
    }
  };
  return {
    db,
    url: doors.url,
    keys: doors.keys,
    send: doors.send,
    log: opened,
    give,
    redeem,
    traffic() {
      let going = true;
      const repeat = async (work: () => Promise<void>): Promise<void> => {
        while (going) await work();
      };
      const all = Promise.all([repeat(() => give(20)), repeat(() => redeem(1))]);
      return {
        async stop() {
          going = false;
          await all;
        },
      };
    },
    settled: () => settledIn(db),
    async close() {
      await flow.close();
      await opened.close();
      await doors.close();
    },
  };
}

const UNREAD = `
  SELECT coalesce(sum(h.next - coalesce(o.next_offset, 0)), 0)::int AS unread
  FROM journal.log_head h LEFT JOIN journal.consumer_offset o
    ON (o.topic, o.part, o.grp) = (h.topic, h.part, 'carat.payout.diamond-ledger')
  WHERE h.topic IN ('diamond.events.v1', 'award.events.v1')`;

async function settledIn(db: DataSource): Promise<void> {
  for (;;) {
    const [{ unread }] = (await db.query(UNREAD)) as [{ unread: number }];
    if (unread === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
