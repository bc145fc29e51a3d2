import type { LogReader, Offsets, RawBatch } from '@carat/event-log';
import { decode, type Event, type Topic, topicNames } from '@carat/events';
import type { Terms } from '@carat/payout-service/terms';
import { naiveBalances } from '@carat/payout-service/test/naive-ledger';
import type { LedgerEvent } from '@carat/payout-service/transfers-of';
import { digestOfBalances } from '../src/merkle-trees/balance-tree.js';
import { RecordTree } from '../src/merkle-trees/record-tree.js';
import { hexOf } from '../src/seals/digest.js';
import { entryOf, RecordChain } from '../src/seals/record-chain.js';
import type { SealContent } from '../src/seals/seal.js';

export const ledgerTopics: readonly Topic[] = ['diamond.events.v1', 'award.events.v1', 'redemption.events.v1'];

type Batch = Omit<RawBatch, 'heartbeat'>;

/** What a seal has to say, computed from the first record of the log on, with the naive books. */
export function recomputed(
  batches: readonly Batch[],
  seal: SealContent,
  before: SealContent | undefined,
): Pick<SealContent, 'partitions' | 'sums' | 'balances'> {
  const events = new Map<number, LedgerEvent[]>();
  const sums: Record<string, [bigint, bigint, bigint]> = {};
  const partitions = seal.partitions.map((said) => {
    const [chain, tree] = [new RecordChain(said), new RecordTree(said)];
    const start = before?.partitions.find(
      ({ topic, partition }) => topic === said.topic && partition === said.partition,
    );
    let records = 0n;
    for (const record of recordsOf(batches, said.topic, said.partition)) {
      if (record.offset >= BigInt(said.nextOffset)) break;
      const entry = entryOf(record);
      chain.add(entry);
      if (record.offset >= BigInt(start?.nextOffset ?? 0)) tree.add(entry);
      records += 1n;
      const decoded = decode(said.topic, record.value);
      if ('undecodable' in decoded) continue;
      add(sums, decoded.event);
      if (ledgerTopics.includes(said.topic))
        events.set(said.partition, [...(events.get(said.partition) ?? []), decoded.event as LedgerEvent]);
    }
    const { topic, partition, nextOffset } = said;
    const [chained, root] = [hexOf(chain.value), hexOf(tree.root())];
    return { topic, partition, nextOffset, records: String(records), chain: chained, root, added: tree.size };
  });
  return {
    partitions,
    sums: Object.fromEntries(
      Object.entries(sums).map(([type, [count, coins, millidiamonds]]) => [
        type,
        { events: String(count), coins: String(coins), millidiamonds: String(millidiamonds) },
      ]),
    ),
    balances: seal.balances.map(({ partition }) => ({
      partition,
      digest: hexOf(digestOfBalances(balancesOf(events.get(partition) ?? []))),
    })),
  };
}

/** What the naive books say of every creator in some events. */
export const balancesOf = (events: readonly LedgerEvent[]): { creatorId: string; terms: Terms }[] =>
  [...naiveBalances(events)].map(([creatorId, { available: _a, recoverable: _r, ...terms }]) => ({ creatorId, terms }));

function* recordsOf(batches: readonly Batch[], topic: Topic, partition: number) {
  for (const batch of batches) if (batch.topic === topic && batch.partition === partition) yield* batch.records;
}

function add(sums: Record<string, [bigint, bigint, bigint]>, { type, data }: Event): void {
  const { coins, millidiamonds } = data as { coins?: number; millidiamonds?: number };
  const [count, allCoins, all] = sums[type] ?? [0n, 0n, 0n];
  sums[type] = [count + 1n, allCoins + BigInt(coins ?? 0), all + BigInt(millidiamonds ?? 0)];
}

/** Everything that a log holds now. */
export async function everythingIn(log: LogReader): Promise<{ batches: RawBatch[]; ends: Offsets }> {
  const ends = await log.ends(topicNames);
  const present = topicNames.filter((topic) => (ends[topic]?.length ?? 0) > 0);
  const batches: RawBatch[] = [];
  for await (const batch of log.read(present, {}, ends)) batches.push(batch);
  return { batches, ends };
}
