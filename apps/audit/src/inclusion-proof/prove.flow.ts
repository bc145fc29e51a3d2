import type { LogReader, RawRecord } from '@carat/event-log';
import { decode, type Event, partitionOf, type Topic } from '@carat/events';
import { balanceTopics } from '@carat/payout-service/balance-position';
import { type SealedRecordProof, writeBalance, writePath, writeRecord } from '../bundle/bundle-line.js';
import { offsetsOf, type SealSource } from '../bundle/period.js';
import { pathOf } from '../merkle-trees/record-tree.js';
import { Books } from '../recomputed/books.js';
import { entryOf, type RecordEntry } from '../seals/record-chain.js';
import type { Seal, SealedPartition } from '../seals/seal.js';
import { type BalanceProof, type EventProof, type InclusionProof, refute } from './inclusion-proof.js';

export type { InclusionProof } from './inclusion-proof.js';

const FORMAT = 'carat proof v2';

interface Place {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: bigint;
}

/** There is no such seal, or no such record under it. */
export class NothingToProve extends Error {}

/** The log is not as it was sealed, so there is no proof. */
export class LogDiffers extends Error {}

const sealedIn = (seal: Seal | undefined, { topic, partition }: Place): SealedPartition | undefined =>
  seal?.content.partitions.find((each) => each.topic === topic && each.partition === partition);

/** The seal that covers a record, and where the records begin that it covers together with it. */
async function sealOver(seals: SealSource, place: Place): Promise<{ seal: Seal; from: bigint }> {
  let from = 0n;
  for await (const seal of seals(1)) {
    const nextOffset = BigInt(sealedIn(seal, place)?.nextOffset ?? 0);
    if (place.offset < nextOffset) return { seal, from };
    from = nextOffset;
  }
  throw new NothingToProve(`no seal covers ${place.topic}/${place.partition} at ${place.offset} yet`);
}

/** The offsets of one partition alone. */
const only = (topic: Topic, partition: number, offset: bigint) => ({
  [topic]: [...Array<bigint>(partition).fill(0n), offset],
});

/**
 * A record with what leads from it to the root of its seal.
 * @throws NothingToProve when no seal covers it, or it is not there
 */
export async function sealedRecordIn(log: LogReader, seals: SealSource, place: Place): Promise<SealedRecordProof> {
  const { topic, partition, offset } = place;
  const { seal, from } = await sealOver(seals, place);
  const to = BigInt(sealedIn(seal, place)?.nextOffset ?? 0);
  const entries: RecordEntry[] = [];
  let found: { readonly record: RawRecord; readonly index: number } | undefined;
  for await (const { records } of log.read([topic], only(topic, partition, from), only(topic, partition, to)))
    for (const record of records) {
      if (record.offset === offset) found = { record, index: entries.length };
      entries.push(entryOf(record));
    }
  if (found === undefined) throw new NothingToProve(`${topic}/${partition} has no record at ${offset}`);
  const { record, index } = found;
  const path = writePath(pathOf({ topic, partition }, entries, index));
  return { seal, record: writeRecord(topic, partition, record), ...path };
}

/**
 * The proof that one record is in the log, as its seal says.
 * @throws NothingToProve; LogDiffers when the log is not as it was sealed
 */
export async function proveEvent(log: LogReader, seals: SealSource, place: Place): Promise<EventProof> {
  return proven({ kind: 'event', format: FORMAT, ...(await sealedRecordIn(log, seals, place)) });
}

/**
 * The proof of a creator's balance at a seal, the last one without a number. The ledger's events of its partition are
 * read from the first one on.
 * @throws NothingToProve; LogDiffers when the log is not as it was sealed; FlowHalted when a consumer would stop
 */
export async function proveBalance(
  log: LogReader,
  seals: SealSource,
  creatorId: string,
  number?: number,
): Promise<BalanceProof> {
  const seal = await sealNumbered(seals, number);
  const partition = partitionOf(creatorId, seal.content.balances.length);
  const books = new Books();
  const ends = offsetsOf(seal);
  for (const topic of balanceTopics) {
    const to = only(topic, partition, ends[topic]?.[partition] ?? 0n);
    for await (const { records } of log.read([topic], {}, to))
      for (const { value } of records) {
        const decoded = decode(topic, value);
        if ('event' in decoded) books.take(topic, partition, decoded.event as Event);
      }
  }
  const { balances, path } = books.proof(partition, creatorId);
  const written = balances.map(writeBalance);
  return proven({ kind: 'balance', format: FORMAT, seal, creatorId, balances: written, path });
}

async function sealNumbered(seals: SealSource, number: number | undefined): Promise<Seal> {
  let last: Seal | undefined;
  for await (const seal of seals(number ?? 1)) {
    last = seal;
    if (number !== undefined) break;
  }
  if (last !== undefined && (number === undefined || last.content.number === number)) return last;
  throw new NothingToProve(number === undefined ? 'nothing is sealed yet' : `there is no seal ${number}`);
}

/** Nobody is given a proof that does not hold. */
function proven<Proof extends InclusionProof>(proof: Proof): Proof {
  const refuted = refute(proof);
  if (refuted === undefined) return proof;
  throw new LogDiffers(`the log is not as it was sealed: ${refuted.detail}`);
}
