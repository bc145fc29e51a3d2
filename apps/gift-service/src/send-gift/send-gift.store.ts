import { type Coins, coins, minus } from '@carat/amounts';
import type { Tx } from '@carat/event-log';
import { append } from '@carat/event-log/journal';
import { type GiftId, type GiftRefusal, type Identity, uuidOf } from '@carat/events';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { type AskedGift, identityKey } from '../asked-gift.js';
import { columns } from '../columns.js';
import { CurrentCatalogue } from '../gift-catalogue/catalogue.store.js';
import type { GiftEnvironment } from '../gift-environment.worker.js';
import { writeGifts } from '../sent-gifts/write-gifts.store.js';
import { isCapped } from '../sources.js';
import { streakKeyOf } from '../streaks/streak.js';
import { lockStreaks, writeStreaks } from '../streaks/streak.store.js';
import { lockWallets, writeWallets } from '../wallets/wallet.store.js';
import { type Answer, answersOf, firstOfEach, type Remembered } from './same-identity.js';
import { capKey, type Outcome, referenceKey, type SendingState, sendGifts } from './send-gift.js';

// Two batches that hold the same identities meet here, in one order, and the later waits for the earlier's commit.
const REMEMBER = `
  INSERT INTO gift.inbox (source, id, content_hash, gift_id)
  SELECT source, id, decode(hash, 'hex'), gift_id
  FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) AS r(source, id, hash, gift_id)
  ORDER BY source COLLATE "C", id COLLATE "C" ON CONFLICT DO NOTHING RETURNING gift_id AS "giftId"`;

/** Claims the identities; answers those that nobody claimed before. */
async function remember(tx: Tx, firsts: readonly AskedGift[]): Promise<AskedGift[]> {
  const rows = (await tx.query(
    REMEMBER,
    columns(
      firsts,
      ({ identity }) => identity.source,
      ({ identity }) => identity.id,
      ({ contentHash }) => contentHash,
      ({ giftId }) => uuidOf(giftId),
    ),
  )) as { giftId: string }[];
  // A gift's id holds a hash of its identity, so it tells which of the identities was inserted.
  const inserted = new Set(rows.map(({ giftId }) => giftId));
  return firsts.filter(({ giftId }) => inserted.has(uuidOf(giftId)));
}

// A frame of a streak may have charged a gift of another id than its own, or none, for it is held until the end.
const RECALL = `
  SELECT i.source, i.id, encode(i.content_hash, 'hex') AS hash, 'gft_' || g.gift_id AS "giftId", i.refusal, g.coins
  FROM unnest($1::text[], $2::text[]) AS r(source, id)
  JOIN gift.inbox i USING (source, id)
  LEFT JOIN gift.gift g ON g.gift_id = coalesce(i.charged_gift_id, i.gift_id)`;

interface RecalledRow {
  readonly source: string;
  readonly id: string;
  readonly hash: string;
  readonly giftId: GiftId | null;
  readonly refusal: GiftRefusal | null;
  readonly coins: string | null;
}

const verdictOf = ({ refusal, coins: spent, giftId }: RecalledRow): Remembered['verdict'] => {
  if (refusal !== null) return { refusal };
  return spent === null || giftId === null ? { isHeld: true } : { giftId, coins: coins(BigInt(spent)) };
};

/** What became of identities that were claimed before, by `identityKey`. */
async function recall(tx: Tx, known: readonly AskedGift[]): Promise<Map<string, Remembered>> {
  if (known.length === 0) return new Map();
  const identities = columns(
    known,
    ({ identity }) => identity.source,
    ({ identity }) => identity.id,
  );
  const rows = (await tx.query(RECALL, identities)) as RecalledRow[];
  return new Map(rows.map((row) => [identityKey(row), { contentHash: row.hash, verdict: verdictOf(row) }]));
}

const CLAIM_REFERENCES = `
  INSERT INTO gift.external_reference (source, reference)
  SELECT source, reference FROM unnest($1::text[], $2::text[]) AS r(source, reference)
  ORDER BY source COLLATE "C", reference COLLATE "C" ON CONFLICT DO NOTHING RETURNING source, reference`;

/** Claims every reference that the gifts name; answers those that had paid for nothing yet, as `referenceKey`. */
async function claimReferences(tx: Tx, fresh: readonly AskedGift[]): Promise<Set<string>> {
  const named = fresh.flatMap(({ identity: { source }, data: { funding } }) =>
    funding.kind === 'external' ? [{ source, reference: funding.reference }] : [],
  );
  if (named.length === 0) return new Set();
  const references = columns(
    named,
    ({ source }) => source,
    ({ reference }) => reference,
  );
  const rows = (await tx.query(CLAIM_REFERENCES, references)) as { source: string; reference: string }[];
  return new Set(rows.map(({ source, reference }) => referenceKey(source, reference)));
}

const split = (key: string): [string, string] => key.split('\n') as [string, string];
const pairs = (keys: readonly string[]): string[] =>
  columns(
    keys.map(split),
    ([first]) => first,
    ([, second]) => second,
  );

/** Lets go of references that were claimed and then paid for nothing, for the gift was refused. */
async function releaseReferences(tx: Tx, unused: ReadonlySet<string>): Promise<void> {
  if (unused.size === 0) return;
  await tx.query(
    `DELETE FROM gift.external_reference e USING unnest($1::text[], $2::text[]) AS r(source, reference)
     WHERE (e.source, e.reference) = (r.source, r.reference)`,
    pairs([...unused]),
  );
}

// The update changes nothing; it locks the row and answers what it holds, whether it was there or not.
const LOCK_CAPS = `
  INSERT INTO gift.attested_coins AS a (source, day)
  SELECT source, day FROM unnest($1::text[], $2::date[]) AS r(source, day) ORDER BY source COLLATE "C", day
  ON CONFLICT (source, day) DO UPDATE SET coins = a.coins
  RETURNING source, to_char(day, 'YYYY-MM-DD') AS day, coins`;

/** Locks what the capped sources among the gifts have attested on the days in question, as `capKey`. */
async function lockCaps(tx: Tx, capped: readonly AskedGift[]): Promise<Map<string, Coins>> {
  const days = [...new Set(capped.map(({ identity, receivedAtMs }) => capKey(identity.source, receivedAtMs)))];
  if (days.length === 0) return new Map();
  const rows = (await tx.query(LOCK_CAPS, pairs(days))) as { source: string; day: string; coins: string }[];
  return new Map(rows.map((row) => [`${row.source}\n${row.day}`, coins(BigInt(row.coins))]));
}

async function addAttested(
  tx: Tx,
  before: SendingState['coinsAttested'],
  after: SendingState['coinsAttested'],
): Promise<void> {
  const added = [...before].flatMap(([key, coinsBefore]) => {
    const more = minus(after.get(key) ?? coinsBefore, coinsBefore);
    return more > 0n ? [{ key, more }] : [];
  });
  if (added.length === 0) return;
  await tx.query(
    `UPDATE gift.attested_coins a SET coins = a.coins + r.more
     FROM unnest($1::text[], $2::date[], $3::bigint[]) AS r(source, day, more)
     WHERE (a.source, a.day) = (r.source, r.day)`,
    [...pairs(added.map(({ key }) => key)), ...columns(added, ({ more }) => String(more))],
  );
}

/** The viewers whose wallets are to pay. */
const payingViewers = (fresh: readonly AskedGift[]): Set<string> =>
  new Set(fresh.flatMap(({ data: { funding, senderId } }) => (funding.kind === 'wallet' ? [senderId] : [])));

const NOTE_VERDICTS = `
  UPDATE gift.inbox i SET refusal = r.refusal, refused_creator_id = r.creator_id,
    charged_gift_id = r.charged_gift_id, streak_key = r.streak_key
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[])
    AS r(source, id, refusal, creator_id, charged_gift_id, streak_key)
  WHERE (i.source, i.id) = (r.source, r.id)`;

interface NotedVerdict extends Identity {
  readonly refusal?: GiftRefusal;
  /** Whose gift was refused: no other row would say it. */
  readonly creatorId?: string;
  /** The gift that a frame of a streak charged, or else the streak that holds its coins. */
  readonly charged?: string;
  readonly streak?: string | undefined;
}

/** What the inbox has to remember beyond the gift that it names: why there is none, or what became of a frame. */
async function noteVerdicts(tx: Tx, outcomes: readonly Outcome[]): Promise<void> {
  const verdicts = outcomes.flatMap(({ asked, ...verdict }): NotedVerdict[] => {
    if ('refusal' in verdict) return [{ ...asked.identity, refusal: verdict.refusal, creatorId: asked.data.creatorId }];
    if ('isHeld' in verdict) return [{ ...asked.identity, streak: streakKeyOf(asked) }];
    return verdict.giftId === asked.giftId ? [] : [{ ...asked.identity, charged: uuidOf(verdict.giftId) }];
  });
  if (verdicts.length === 0) return;
  await tx.query(NOTE_VERDICTS, [
    verdicts.map(({ source }) => source),
    verdicts.map(({ id }) => id),
    verdicts.map(({ refusal }) => refusal ?? null),
    verdicts.map(({ creatorId }) => creatorId ?? null),
    verdicts.map(({ charged }) => charged ?? null),
    verdicts.map(({ streak }) => streak ?? null),
  ]);
}

/** The latest time of a gift that may be sent, and so the time that a catalogue has to cover. */
const latestTimeMs = (fresh: readonly AskedGift[], skewMs: number): number =>
  Math.max(...fresh.map(({ timeMs, receivedAtMs }) => Math.min(timeMs, receivedAtMs + skewMs)));

/** Every streak that a frame among the gifts belongs to, with the viewer who sends it. */
const streaksOf = (fresh: readonly AskedGift[]): Map<string, string> =>
  new Map(
    fresh.flatMap((gift) => {
      const key = streakKeyOf(gift);
      return key === undefined ? [] : [[key, gift.data.senderId]];
    }),
  );

/** Sends gifts in a transaction of the caller's: the intake's, which also moves its offset, or one of HTTP's own. */
@Injectable()
export class SendGiftStore {
  constructor(
    private readonly catalogue: CurrentCatalogue,
    @Inject(ENVIRONMENT) private readonly environment: GiftEnvironment,
  ) {}

  /**
   * Decides on the gifts and writes down what follows; answers each, in order. Locks are taken in one order by every
   * writer: identities, catalogue, references, caps, wallets, streaks, each sorted, the heads of the journal last (log
   * rule 2). The number of statements does not depend on the number of gifts.
   */
  async send(tx: Tx, asked: readonly AskedGift[]): Promise<Answer[]> {
    const firsts = firstOfEach(asked);
    const fresh = await remember(tx, firsts);
    const isFresh = new Set(fresh);
    const remembered = await recall(
      tx,
      firsts.filter((gift) => !isFresh.has(gift)),
    );
    const outcomes = await this.decide(tx, fresh);
    const facts = outcomes.flatMap((outcome) => outcome.facts);
    await noteVerdicts(tx, outcomes);
    await writeGifts(tx, facts);
    await append(
      tx,
      'gift.events.v1',
      facts.map(({ event }) => event),
    );
    return answersOf(asked, remembered, outcomes);
  }

  private async decide(tx: Tx, fresh: readonly AskedGift[]): Promise<readonly Outcome[]> {
    const { SOURCES: sources, GIFT_LATENESS: latenessMs, GIFT_SKEW: skewMs } = this.environment;
    const streakTimeoutMs = this.environment.STREAK_TIMEOUT;
    const before: SendingState = {
      catalogue: await this.catalogue.completeUntil(tx, latestTimeMs(fresh, skewMs)),
      sources,
      rules: { latenessMs, skewMs, streakTimeoutMs },
      freshReferences: await claimReferences(tx, fresh),
      coinsAttested: await lockCaps(
        tx,
        fresh.filter(({ identity }) => isCapped(sources, identity.source)),
      ),
      wallets: await lockWallets(tx, payingViewers(fresh)),
      streaks: await lockStreaks(tx, streaksOf(fresh)),
    };
    const { outcomes, state: after } = sendGifts(fresh, before);
    await releaseReferences(tx, after.freshReferences);
    await addAttested(tx, before.coinsAttested, after.coinsAttested);
    await writeWallets(tx, before.wallets, after.wallets);
    await writeStreaks(tx, before.streaks, after.streaks);
    return outcomes;
  }
}
