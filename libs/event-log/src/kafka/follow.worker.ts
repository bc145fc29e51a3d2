import { setTimeout as sleep } from 'node:timers/promises';
import { isUpstream, partitionOf, type Topic, topicNames } from '@carat/events';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { FlowHalted, type Follower, OffsetMovedByAnother, type RawRecord, type Running } from '../event-log.js';
import type { Clients } from './client.worker.js';
import { placeOf, rawRecordOf } from './fetched.js';
import { extentOf, type Reach } from './reach.worker.js';

const PARTITIONS_AT_ONCE = 4;
// The broker answers at once when there is anything; this is how long it waits when there is nothing, and how long
// stopping takes at most.
const FETCH_WAIT_MS = 200;
// A rebalance is noticed by the next heartbeat, so this is how long a newcomer waits for its share.
const HEARTBEAT_MS = 500;
const COMMIT_HINT_EVERY_MS = 5000;
const BEFORE_CLAIMING_AGAIN_MS = 200;

export interface FollowOptions {
  readonly clients: Clients;
  readonly sessionTimeoutMs: number;
  /** A flow stopped by itself; the process stays up. */
  readonly onAlarm: (group: string, error: Error) => void;
  /** The client gave up for good: the process should end and be started anew. */
  readonly onFatal: (error: Error) => void;
  /** A record of our own lies in a partition that is not its key's. */
  readonly onMisplaced: (topic: Topic, partition: number, offset: bigint) => void;
}

/** A partition in this member's hands since the group last formed. */
interface Place {
  readonly topic: Topic;
  readonly partition: number;
  /** Where the next fetch must begin; undefined while nothing is claimed. */
  expected: bigint | undefined;
}

const isOwn = (topic: Topic): boolean => topicNames.includes(topic) && !isUpstream(topic);

/** A consumer group's member that holds its offsets elsewhere: Kafka's own are a hint for tools that show lag. */
export class Following implements Running {
  private readonly consumer: Consumer;
  private places = new Map<string, Place>();
  private partitionCounts = new Map<Topic, number>();
  private halted: Error | undefined;
  private stopped: Promise<void> | undefined;
  private lastHintAtMs = 0;

  constructor(
    readonly group: string,
    private readonly topics: readonly Topic[],
    private readonly follower: Follower,
    private readonly options: FollowOptions,
  ) {
    this.consumer = options.clients.create().consumer({
      groupId: options.clients.nameOf(group),
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 5000, factor: 0.2, multiplier: 2, retries: 8 },
    });
  }

  alarm(): Error | undefined {
    return this.halted;
  }

  async start(): Promise<this> {
    const { CRASH, GROUP_JOIN } = this.consumer.events;
    this.consumer.on(GROUP_JOIN, ({ payload }) => this.onJoin(payload.memberAssignment));
    this.consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart && this.stopped === undefined) this.options.onFatal(payload.error);
    });
    await this.consumer.connect();
    // The default is to begin at the end, and it would also be taken after an offset that the log no longer has.
    await this.consumer.subscribe({ topics: this.topics.map(this.options.clients.nameOf), fromBeginning: true });
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.onBatch(payload),
    });
    return this;
  }

  stop(): Promise<void> {
    this.stopped ??= this.leave();
    return this.stopped;
  }

  private async leave(): Promise<void> {
    await this.hintOffsets();
    await this.consumer.disconnect();
  }

  /** Runs before the first fetch of the new assignment, so nothing arrives for a place that is not claimed. */
  private onJoin(assignment: Record<string, readonly number[]>): void {
    const places = new Map<string, Place>();
    for (const [name, partitions] of Object.entries(assignment)) {
      const topic = this.options.clients.plainOf(name) as Topic;
      for (const partition of partitions)
        places.set(placeOf(name, partition), { topic, partition, expected: undefined });
      this.consumer.pause([{ topic: name, partitions: [...partitions] }]);
    }
    this.places = places;
    void this.claimAll(places);
  }

  private async claimAll(places: Map<string, Place>): Promise<void> {
    const isCurrent = (): boolean => this.places === places && this.stopped === undefined;
    for (let wait = 100; isCurrent(); wait = Math.min(2 * wait, 5000)) {
      try {
        const extents = await extentOf(this.options.clients, this.topics);
        for (const [topic, extent] of extents) this.partitionCounts.set(topic, extent.length);
        for (const [place, { topic, partition, expected }] of places) {
          if (!isCurrent()) return;
          if (expected === undefined) await this.claim(places, place, extents.get(topic)?.[partition]);
          this.consumer.resume([{ topic: this.options.clients.nameOf(topic), partitions: [partition] }]);
        }
        return;
      } catch (err) {
        if (err instanceof FlowHalted) return this.halt(err);
        this.options.clients.options.log('warn', `${this.group} could not claim its partitions yet`, { err });
        await sleep(wait);
      }
    }
  }

  /** Takes hold of a partition and goes to where the follower stands. */
  private async claim(places: Map<string, Place>, name: string, reach: Reach | undefined): Promise<void> {
    const place = places.get(name);
    if (place === undefined) return;
    const { topic, partition } = place;
    const stored = await this.follower.claimed(topic, partition);
    if (reach !== undefined && stored < reach.first)
      throw new FlowHalted(
        `${name} begins at ${reach.first}, past ${stored} where ${this.group} stands: records are lost`,
      );
    if (reach !== undefined && stored > reach.next)
      throw new FlowHalted(
        `${name} ends at ${reach.next}, before ${stored} where ${this.group} stands: its tail is lost`,
      );
    place.expected = stored;
    // A rebalance meanwhile has made this hold powerless already.
    if (this.places === places) this.seek(place, stored);
  }

  private seek({ topic, partition }: Place, offset: bigint): void {
    this.consumer.seek({ topic: this.options.clients.nameOf(topic), partition, offset: String(offset) });
  }

  private async onBatch({ batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
    const { places } = this;
    const name = placeOf(batch.topic, batch.partition);
    const place = places.get(name);
    // Not resolved, so it will be fetched again by whoever holds the partition then.
    if (place === undefined || this.halted !== undefined || this.stopped !== undefined) return;
    let failedHeartbeat: unknown;
    const beat = async (): Promise<void> => {
      if (this.stopped !== undefined) throw new Error('stopping');
      await heartbeat().catch((error: unknown) => {
        failedHeartbeat = error;
        throw error;
      });
    };
    try {
      if (!(await this.stands(places, name, place, BigInt((batch as unknown as Fetched).fetchedOffset)))) return;
      const nextOffset = BigInt(batch.lastOffset()) + 1n;
      const records = batch.messages.map(rawRecordOf);
      this.lookForMisplaced(place, records);
      await this.follower.batch({
        topic: place.topic,
        partition: place.partition,
        records,
        nextOffset,
        heartbeat: beat,
      });
      place.expected = nextOffset;
      resolveOffset(batch.lastOffset());
      if (Date.now() - this.lastHintAtMs > COMMIT_HINT_EVERY_MS) void this.hintOffsets();
    } catch (error) {
      if (this.stopped !== undefined) return;
      // The group forms anew; the client knows what to do, if it gets to see its own error.
      if (error !== undefined && error === failedHeartbeat) throw error;
      await this.onFailure(places, name, place, error);
    }
  }

  /** True when the fetch begins where the follower stands; else goes there, or stops when that cannot be. */
  private async stands(places: Map<string, Place>, name: string, place: Place, fetched: bigint): Promise<boolean> {
    if (place.expected === fetched) return true;
    const extent = (await extentOf(this.options.clients, [place.topic])).get(place.topic);
    await this.claim(places, name, extent?.[place.partition]);
    return false;
  }

  private async onFailure(places: Map<string, Place>, name: string, place: Place, error: unknown): Promise<void> {
    if (error instanceof FlowHalted) return this.halt(error);
    place.expected = undefined;
    if (error instanceof OffsetMovedByAnother) {
      // Two members that take each other for dead would take turns for ever without a pause to learn who is right.
      await sleep(BEFORE_CLAIMING_AGAIN_MS);
      if (this.places === places) await this.claim(places, name, undefined);
      return;
    }
    // The next fetch finds nothing claimed and claims. An Error of ours: on a TypeError the client would stop for good.
    throw new Error(`${this.group} failed on ${name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }

  private lookForMisplaced({ topic, partition }: Place, records: readonly RawRecord[]): void {
    const count = this.partitionCounts.get(topic);
    if (count === undefined || !isOwn(topic)) return;
    for (const { key, offset } of records)
      if (key !== null && partitionOf(key, count) !== partition) this.options.onMisplaced(topic, partition, offset);
  }

  /** Stops this flow and nothing else. */
  private halt(error: Error): void {
    if (this.halted !== undefined) return;
    this.halted = error;
    this.options.onAlarm(this.group, error);
    // Not awaited: disconnecting waits for the batch that we may be in.
    void this.stop().catch(() => undefined);
  }

  private async hintOffsets(): Promise<void> {
    this.lastHintAtMs = Date.now();
    const known = [...this.places.values()].flatMap(({ topic, partition, expected }) =>
      expected === undefined
        ? []
        : [{ topic: this.options.clients.nameOf(topic), partition, offset: String(expected) }],
    );
    try {
      if (known.length > 0) await this.consumer.commitOffsets(known);
    } catch (err) {
      this.options.clients.options.log('debug', `${this.group} could not tell Kafka its offsets`, { err });
    }
  }
}

/** kafkajs keeps it on the batch and does not say so in its types. */
interface Fetched {
  readonly fetchedOffset: string;
}
