import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog, type OpenReader } from '@carat/event-log';
import { append, ensureJournalTopics, openJournalLog, recordOf } from '@carat/event-log/journal';
import { openKafkaLog, startRelay } from '@carat/event-log/kafka';
import { EventLogStrategy } from '@carat/event-log/nest';
import { openJournalReader, openKafkaReader } from '@carat/event-log/readers';
import { deadLetterTopicOf, type Event, type Topic } from '@carat/events';
import { ENVIRONMENT } from '@carat/service-host';
import { eventually, freshPrefix, kafkaBrokers } from '@carat/test-bed';
import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { DataSource } from 'typeorm';
import { RedemptionPositionsFlow } from '../src/balances/redemption-positions.flow.js';
import { DiamondLedgerFlow } from '../src/diamond-ledger/diamond-ledger.flow.js';
import { LEDGER_GROUP, POSITIONS_GROUP } from '../src/diamond-ledger/ledger-group.js';
import type { LedgerDatabase } from './ledger-database.js';
import { event } from './ledger-events.js';
import { openPayoutDoors, type PayoutDoors } from './payout-doors.js';
import { appOf, keepRate, MINIMUM } from './redeeming.js';

/** payout-service at work: its flow books what stands in the log, its doors decide. */
export interface BusyLedger extends Pick<PayoutDoors, 'db' | 'url' | 'keys' | 'send'> {
  readonly log: EventLog;
  openReader(): Promise<OpenReader>;
  /** Before every name on Kafka. */
  readonly prefix: string;
  /** Appends credits, reversals and awards of one creator, or of a few: so many diamond events. */
  give(count: number, creatorId?: string): Promise<void>;
  /** Creators redeem, and half of them cancel. */
  redeem(count: number): Promise<void>;
  /** Goes on with both until it is stopped; a stop waits for what is under way. */
  traffic(): { stop(): Promise<void> };
  /** Waits until the ledger has booked all that was given. */
  settled(): Promise<void>;
  /** Does something while nobody tells redemptions where they stand in the log. */
  withoutPlaces(work: () => Promise<void>): Promise<void>;
  /** Opens its doors to other processes too. */
  listen(): Promise<string>;
  close(): Promise<void>;
}

/** A log for the ledger to follow, and how events of others come onto it. */
interface TestLog {
  readonly log: EventLog;
  openReader(): Promise<OpenReader>;
  readonly prefix: string;
  /** Of Kafka alone. */
  readonly brokers: string[] | undefined;
  publish(topic: 'diamond.events.v1' | 'award.events.v1', events: readonly Event[]): Promise<void>;
  close(): Promise<void>;
}

export async function onJournal({ db, url }: LedgerDatabase): Promise<TestLog> {
  const log = await openJournalLog({ db, databaseUrl: url, onAlarm: () => undefined });
  return {
    log,
    openReader: () => openJournalReader(url),
    prefix: '',
    brokers: undefined,
    publish: (topic, events) => db.transaction((tx) => append(tx, topic, events as never)),
    close: () => log.close(),
  };
}

const PARTITIONS = 4;
const RELAYED: Topic[] = ['award.events.v1', 'redemption.events.v1'];

/** Diamonds come as a transform writes them, some of them twice; all else is relayed. */
export async function onKafka({ db }: LedgerDatabase): Promise<TestLog> {
  const prefix = freshPrefix();
  const [brokers, ignored] = [kafkaBrokers(), (): void => undefined];
  const log = await openKafkaLog({
    ...{ brokers, prefix, db, partitions: PARTITIONS, replication: 1 },
    onAlarm: ignored,
    onFatal: ignored,
  });
  await log.ensureTopics([
    'diamond.events.v1',
    ...RELAYED,
    deadLetterTopicOf(LEDGER_GROUP),
    deadLetterTopicOf(POSITIONS_GROUP),
  ]);
  await ensureJournalTopics(db, [{ topic: deadLetterTopicOf(POSITIONS_GROUP), partitions: PARTITIONS }]);
  const relay = await startRelay({ db, log, topics: RELAYED, onAlarm: ignored });
  return {
    log,
    openReader: () => openKafkaReader({ brokers, prefix }),
    prefix,
    brokers,
    async publish(topic, events) {
      if (topic === 'award.events.v1') await db.transaction((tx) => append(tx, topic, events as never));
      else
        await log.publish(
          topic,
          events.flatMap((said, n) => Array(n % 9 === 0 ? 2 : 1).fill(recordOf(said))),
        );
    },
    async close() {
      await relay.stop();
      await log.close();
    },
  };
}

/** So that it goes on, and does not keep the machine from everything else. */
const REST_MS = 10;
const CREATORS = 40;
const RICH = 5;
const creatorOf = (n: number): string => `creator-${n % CREATORS}`;

export async function openBusyLedger(
  openLog: (of: LedgerDatabase) => Promise<TestLog> = onJournal,
): Promise<BusyLedger> {
  let opened: TestLog | undefined;
  const doors = await openPayoutDoors({}, async (database) => {
    opened = await openLog(database);
    return opened.log;
  });
  if (opened === undefined) throw new Error('the doors have opened no log');
  const [{ db, url, keys, send }, { log, openReader, prefix, brokers, publish, close }] = [doors, opened];
  const run = (controller: Type): Promise<() => Promise<void>> => runFlow(controller, { log, db, brokers });
  const stopBooking = await run(DiamondLedgerFlow);
  let stopPlacing = await run(RedemptionPositionsFlow);
  await keepRate(db);

  let [given, awarded, asked] = [0, 0, 0];
  const give = async (count: number, creatorId?: string): Promise<void> => {
    const numbers = Array.from({ length: count }, (_, index) => given + index);
    given += count;
    const awards = numbers.filter((n) => n % 5 === 0);
    awarded += awards.length;
    await publish(
      'diamond.events.v1',
      numbers.map((n) => diamondsOf(n, creatorId)),
    );
    await publish(
      'award.events.v1',
      awards.map((n) =>
        event('carat.diamonds.awarded.v1', { n, creatorId: creatorId ?? creatorOf(n), millidiamonds: 50 }),
      ),
    );
  };
  const redeem = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const app = await appOf(doors, creatorOf(asked++ % RICH));
      const { body } = await app.redeemAnew(MINIMUM);
      if (asked % 2 === 0) await app.cancel(String(body['redemptionId']));
    }
  };
  return {
    ...{ db, url, keys, send, log, openReader, prefix, give, redeem },
    traffic: () => repeatedly([() => give(20), () => redeem(1)]),
    settled: () => eventually(() => expectBooked(db, given + awarded)),
    async withoutPlaces(work) {
      await stopPlacing();
      await work();
      stopPlacing = await run(RedemptionPositionsFlow);
    },
    async listen() {
      await doors.app.listen(0, '127.0.0.1');
      return doors.app.getUrl();
    },
    async close() {
      await stopBooking();
      await stopPlacing();
      await close();
      await doors.close();
    },
  };
}

/** A flow at work, until the answer is called. */
async function runFlow(
  controller: Type,
  { log, db, brokers }: Pick<TestLog, 'log' | 'brokers'> & { readonly db: DataSource },
): Promise<() => Promise<void>> {
  const environment = { provide: ENVIRONMENT, useValue: { KAFKA_BROKERS: brokers } };
  const module = await Test.createTestingModule({ controllers: [controller], providers: [environment] }).compile();
  const flow = module.createNestMicroservice({ strategy: new EventLogStrategy(log, db), logger: false });
  await flow.listen();
  return () => flow.close();
}

/** Credits, now and then a reversal; the first few make their creators rich. */
const diamondsOf = (n: number, creatorId = creatorOf(n)) =>
  n % 7 === 6
    ? event('carat.diamonds.reversed.v1', { n, creatorId, millidiamonds: 300 })
    : event('carat.diamonds.credited.v1', { n, creatorId, millidiamonds: n < RICH ? 2 ** 50 : 500 });

function repeatedly(works: readonly (() => Promise<void>)[]): { stop(): Promise<void> } {
  let going = true;
  const all = Promise.all(
    works.map(async (work) => {
      while (going) {
        await work();
        await sleep(REST_MS);
      }
    }),
  );
  return {
    async stop() {
      going = false;
      await all;
    },
  };
}

async function expectBooked(db: DataSource, count: number): Promise<void> {
  const [{ booked }] = (await db.query(
    `SELECT count(*)::int AS booked FROM payout.transfer WHERE code IN ('credit', 'reverse', 'award')`,
  )) as [{ booked: number }];
  if (booked < count) throw new Error(`${booked} of ${count} are booked`);
}
