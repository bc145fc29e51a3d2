import type { Event, Topic } from '@carat/events';
import type { EntityManager } from 'typeorm';

/** One Postgres transaction: `tx.query` for batches, entities for administered tables, the journal joins it too. */
export type Tx = EntityManager;

/** Where one record stands. */
export interface Position {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: bigint;
}

/** The next offset to read, per topic and partition. */
export type Offsets = Readonly<Partial<Record<Topic, readonly bigint[]>>>;

/** An event as it stands in the log. `recordedAtMs` is the log's own clock when it took the record. */
export type Recorded<T extends Topic = Topic> = {
  [K in T]: Event<K> & { readonly position: Position; readonly recordedAtMs: number };
}[T];

export type Headers = readonly (readonly [name: string, value: Buffer])[];

/** A record as bytes: it may not parse. */
export interface RawRecord {
  readonly offset: bigint;
  readonly recordedAtMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
}

/** What one fetch of one partition brought, in order. */
export interface RawBatch {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: readonly RawRecord[];
  /** After the last offset the fetch covered, which may lie past its last record (control records leave gaps). */
  readonly nextOffset: bigint;
  /** Tells the group that this member lives. Called between the chunks of a long batch. Throws when it is out. */
  heartbeat(): Promise<void>;
}

/** A record to write. Without a partition it goes where Kafka's Java client would put its key. */
export interface NewRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Headers;
  readonly partition?: number;
}

/** All that audit is ever given: a reader, and no writer to reach (law 10). */
export interface LogReader {
  /** Whether a relay numbers every event of a topic here: then somebody else wrote what has no number. */
  isRelayed(topic: Topic): boolean;
  /** The next offset of every partition. */
  ends(topics: readonly Topic[]): Promise<Offsets>;
  /** Of every partition the first offset that was recorded at that time or later; the end where there is none. */
  offsetsAt(topics: readonly Topic[], timeMs: number): Promise<Offsets>;
  /** Every record from `from` up to, not including, `to`, in order per partition. */
  read(topics: readonly Topic[], from: Offsets, to: Offsets): AsyncIterable<RawBatch>;
}

/** A reader with a connection of its own. */
export interface OpenReader extends LogReader {
  /** The cluster's id, the journal's epoch, or whatever else tells this log from others. */
  readonly id: string;
  close(): Promise<void>;
}

/** Who follows a group: it owns the offsets, in the transaction of what it does with the records (law 11). */
export interface Follower {
  /** A partition was assigned: where to start. Called again after every failure of `batch`. */
  claimed(topic: Topic, partition: number): Promise<bigint>;
  /** Throws OffsetMovedByAnother to be claimed anew, FlowHalted to be stopped with an alarm. */
  batch(batch: RawBatch): Promise<void>;
}

/** A flow at work. */
export interface Running {
  readonly group: string;
  /** Why the flow stopped by itself, if it did. */
  alarm(): Error | undefined;
  stop(): Promise<void>;
}

/** What every flow may say of the records that it cannot handle. */
export interface ParkingFlow<F extends Topic = Topic> {
  /**
   * The key whose order matters: once a record of it is a dead letter by its handling, every later one of the group is
   * a dead letter too, unhandled (`waits_for_parked_key`). `undefined`, and a flow without it: nothing waits.
   * A function of the event alone. What cannot be read has no key and parks nothing.
   */
  parkBy?(event: Recorded<F>): string | undefined;
}

/** Events in, rows out. One flow = one consumer group = one offset, one dead-letter topic. */
export interface ProjectFlow<F extends Topic = Topic> extends ParkingFlow<F> {
  readonly group: string;
  readonly from: readonly F[];
}

/** Events in, events out. Output partition = input partition. */
export interface TransformFlow<F extends Topic = Topic, T extends Topic = Topic> extends ParkingFlow<F> {
  readonly group: string;
  readonly from: F;
  readonly to: T;
}

/** A record that a step found it cannot handle, why as a code and as a sentence. It becomes a dead letter. */
export interface Poison {
  readonly position: Position;
  readonly code: string;
  readonly detail: string;
}

/** Answers the records it could not handle; everything else of the batch is in `tx`. A throw halves the batch. */
export type ProjectStep<F extends Topic> = (
  batch: readonly Recorded<F>[],
  tx: Tx,
) => Promise<readonly Poison[]> | Promise<void>;

/** A throw halves the batch, so it must be a function of the events and of nothing that the batching changes. */
export type TransformStep<F extends Topic, T extends Topic> = (
  batch: readonly Recorded<F>[],
) => Promise<readonly Event<T>[]>;

/** What an adapter implements. Ordered per partition, at least once. */
export interface EventLog extends LogReader {
  /** The cluster's id, or the journal's epoch: offsets of another log mean nothing here. */
  readonly id: string;
  /** For upstream, the relay and tests; never for a decision. Resolves when the log has the records for good. */
  publish(topic: string, records: readonly NewRecord[]): Promise<void>;
  follow(group: string, topics: readonly Topic[], follower: Follower): Promise<Running>;
  transform<F extends Topic, T extends Topic>(flow: TransformFlow<F, T>, step: TransformStep<F, T>): Promise<Running>;
  /** A flow could not do its work and tries again: worth a line for whoever watches, and nothing else. */
  trouble(group: string, error: unknown): void;
  close(): Promise<void>;
}

/** Another instance moved the offset of this partition: claim it anew and go on from there. */
export class OffsetMovedByAnother extends Error {
  constructor(group: string, topic: string, partition: number) {
    super(`another instance moved the offset of ${group} on ${topic}/${partition}`);
  }
}

/** Going on would lose or invent events: the flow stops, and a person must look. */
export class FlowHalted extends Error {}

/** Nobody keeps a log here: there is no journal, or not the topic that was asked for. */
export class LogMissing extends Error {}

/** A single event that no handling will make good; `code` is for machines. */
export class Unhandleable extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
