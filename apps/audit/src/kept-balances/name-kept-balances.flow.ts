import type { LogReader, Offsets } from '@carat/event-log';
import { isJournaled } from '@carat/events';
import { ManyEvents } from '@carat/events/decode-many';
import { balanceTopics } from '@carat/payout-service/balance-position';
import { addTerms, changesBy, movedBy, nothing, type Terms } from '@carat/payout-service/terms';
import { transfersOf } from '@carat/payout-service/transfers-of';
import type { Books } from '../booked/books.store.js';
import { endsOf } from '../log-source/ends-of.js';
import { ownEvents } from '../log-source/own-events.flow.js';
import type { SealContent } from '../seals/seal.js';
import type { Findings } from '../verify/findings.js';
import { addDiffering, type KeptPlace, NOT_GIVEN, nameDiffering } from './kept-balances.js';

/** So many places are looked at creator by creator; of the others it is said that they differ. */
const MOST_PLACES = 100;

interface ToName {
  readonly log: LogReader;
  readonly books: Pick<Books, 'keptBalancesAt' | 'notAsKept'>;
  readonly seals: readonly SealContent[];
  readonly to: Offsets;
  /** Whether a relay numbers what is journaled. */
  readonly isRelayed: boolean;
  readonly findings: Findings;
}

/**
 * Reads the partitions of places that differ once more, and names each creator whose balance there is at fault; and
 * each whose newest balance is another than the last that was kept: then a seal is gone, with what was kept beside it.
 */
export async function nameKeptBalances(differing: readonly KeptPlace[], naming: ToName): Promise<void> {
  const { books, findings } = naming;
  for (const place of differing.slice(MOST_PLACES)) addDiffering(place, NOT_GIVEN, findings);
  for (const [partition, places] of Map.groupBy(differing.slice(0, MOST_PLACES), (place) => place.partition)) {
    const due = await balancesAt(new Set(places.map(({ seal }) => seal)), partition, naming);
    for (const place of places)
      nameDiffering(place, due.get(place.seal) ?? new Map(), await books.keptBalancesAt(place), findings);
  }
  const detail = 'what the notary works with is not the last that it has kept beside a seal';
  for (const creatorId of await books.notAsKept()) findings.add('seals', 'kept_balances_differ', creatorId, detail);
}

type ByCreator = Map<string, Terms>;

/** By the numbers of seals, the balances that each of them has changed, as they are there. */
async function balancesAt(
  wanted: ReadonlySet<number>,
  partition: number,
  naming: ToName,
): Promise<ReadonlyMap<number, ByCreator>> {
  const balances: ByCreator = new Map();
  const found = new Map<number, ByCreator>();
  for (const [index, changes] of (await changesUpTo(partition, naming)).entries()) {
    const changed = [...changes].filter(([, of]) => Object.values(of).some((millidiamonds) => millidiamonds !== 0n));
    for (const [creatorId, of] of changed) add(balances, creatorId, of);
    if (wanted.has(index + 1))
      found.set(index + 1, new Map(changed.map(([creatorId]) => [creatorId, balances.get(creatorId) ?? nothing])));
  }
  return found;
}

/** Of each seal, what changes by creator between the one before and it. */
async function changesUpTo(partition: number, { log, seals, to, isRelayed }: ToName): Promise<readonly ByCreator[]> {
  const changes = seals.map((): ByCreator => new Map());
  const events = new ManyEvents();
  for (const topic of balanceTopics) {
    const ends = seals.map(({ partitions }) =>
      BigInt(partitions.find((of) => of.topic === topic && of.partition === partition)?.nextOffset ?? 0),
    );
    const seen = new Set<string>();
    const upTo = endsOf(new Set([partition]), [topic], to);
    const isNumbered = isRelayed && isJournaled(topic);
    for await (const { event, position } of ownEvents(log, topic, upTo, isNumbered, events)) {
      const ofSeal = changes[ends.findIndex((end) => position.offset < end)];
      // What a transform has repeated is booked once.
      if (ofSeal === undefined || seen.has(event.id)) continue;
      seen.add(event.id);
      for (const transfer of transfersOf(event)) add(ofSeal, transfer.creatorId, changesBy([movedBy(transfer)]));
    }
  }
  return changes;
}

const add = (to: ByCreator, creatorId: string, changes: Terms): ByCreator =>
  to.set(creatorId, addTerms(to.get(creatorId) ?? nothing, changes));
