import type { EventLog } from '@carat/event-log';
import { topicNames } from '@carat/events';
import type { DataSource, QueryRunner } from 'typeorm';
import { BalanceTree, bucketDigest, TREE_DEPTH } from '../merkle-trees/balance-tree.js';
import { hexOf } from '../seals/digest.js';
import { type Seal, signSeal } from '../seals/seal.js';
import { readSeal, readSeals } from '../seals/seals.store.js';
import { balanceChanges } from './balance-changes.js';
import {
  balancesIn,
  changeBalances,
  insertSeal,
  readRelayed,
  rememberEvents,
  rememberKey,
  writeRelayed,
} from './notary.store.js';
import type { NotaryKey } from './notary-key.worker.js';
import { CannotContinue, Sealer } from './sealer.js';

// Any number that nothing else locks: the first letters of "notary" as bytes.
const NOTARY_LOCK = '121437875204729';

const BUCKETS_AT_ONCE = 512;
const ALL_BUCKETS = Array.from({ length: 2 ** TREE_DEPTH }, (_, bucket) => bucket);

/**
 * The seals of a database in the hands of its one notary. The session that holds the lock writes the seals, too:
 * whoever lost the lock cannot write, and a notary that froze finds out by its next statement.
 */
export class SealBook {
  private readonly trees: BalanceTree[] = [];

  private constructor(
    private readonly session: QueryRunner,
    private readonly key: NotaryKey,
    private current: Sealer,
  ) {}

  /**
   * Takes the book up where the last seal left it. Undefined while another notary has it.
   * @throws CannotContinue, SealMalformed when what is there cannot be continued
   */
  static async open(
    db: DataSource,
    log: Pick<EventLog, 'id' | 'ends' | 'isRelayed'>,
    key: NotaryKey,
  ): Promise<SealBook | undefined> {
    const session = db.createQueryRunner();
    try {
      const [{ locked }] = (await session.query('SELECT pg_try_advisory_lock($1) AS locked', [NOTARY_LOCK])) as [
        { locked: boolean },
      ];
      if (!locked) {
        await session.release();
        return undefined;
      }
      const last = (await readSeal(session.manager))?.content;
      const relayed = await readRelayed(session.manager);
      const sealer = Sealer.begin({
        log: log.id,
        ends: await log.ends(topicNames),
        last,
        relayed,
        isRelayed: (topic) => log.isRelayed(topic),
      });
      const book = new SealBook(session, key, sealer);
      await book.rebuildTrees();
      const differs = last?.balances.find(({ partition, digest }) => book.digests()[partition] !== digest);
      if (differs !== undefined)
        throw new CannotContinue(
          `audit.balance of partition ${differs.partition} is not what seal ${last?.number} says of it`,
        );
      await rememberKey(session.manager, key.keyId, key.publicKey);
      return book;
    } catch (error) {
      await giveUp(session);
      throw error;
    }
  }

  get sealer(): Sealer {
    return this.current;
  }

  /** Fails when the lock is lost. */
  async holds(): Promise<void> {
    await this.session.query('SELECT 1');
  }

  /** A seal, for whoever compares. */
  sealOf(number: number): Promise<Seal | undefined> {
    return readSeal(this.session.manager, number);
  }

  /** The seals from a number on. */
  sealsFrom(number: number): AsyncIterable<Seal> {
    return readSeals(this.session.manager, number);
  }

  /**
   * Seals what came since the last seal, in one transaction. After a failure the book has to be opened anew: whether
   * the seal is there, only the database knows.
   */
  async seal(sealedAt: string): Promise<Seal> {
    const { session, current } = this;
    await session.startTransaction();
    try {
      const tx = session.manager;
      const changes = balanceChanges(await rememberEvents(tx, current.moves));
      await changeBalances(tx, current.number, changes);
      for (const [partition, moved] of Map.groupBy(changes, (change) => change.partition))
        await this.rehash(partition, [...new Set(moved.map(({ bucket }) => bucket))]);
      const seal = signSeal(current.content(sealedAt, this.digests()), this.key.privateKey);
      await insertSeal(tx, seal);
      await writeRelayed(tx, current.relayed());
      await session.commitTransaction();
      this.current = current.after(seal.content);
      return seal;
    } catch (error) {
      await session.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  }

  close(): Promise<void> {
    return giveUp(this.session);
  }

  private digests(): string[] {
    return this.trees.map((tree) => hexOf(tree.root()));
  }

  private async rebuildTrees(): Promise<void> {
    for (let partition = 0; partition < this.current.ledgerPartitions; partition++) {
      this.trees[partition] = new BalanceTree();
      await this.rehash(partition, ALL_BUCKETS);
    }
  }

  /** Hashes buckets as the transaction sees them, some at a time, so that no table has to fit into memory. */
  private async rehash(partition: number, buckets: readonly number[]): Promise<void> {
    for (let at = 0; at < buckets.length; at += BUCKETS_AT_ONCE) {
      const found = await balancesIn(this.session.manager, partition, buckets.slice(at, at + BUCKETS_AT_ONCE));
      for (const [bucket, balances] of found) this.trees[partition]?.set(bucket, bucketDigest(balances));
    }
  }
}

/** The pool keeps sessions, so the lock has to be given back. Where that fails the session is gone, and the lock is. */
async function giveUp(session: QueryRunner): Promise<void> {
  await session.query('SELECT pg_advisory_unlock($1)', [NOTARY_LOCK]).catch(() => undefined);
  await session.release().catch(() => undefined);
}
