import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Coins that viewers bought, in lots, and what is left of each. */
export class Wallets1764000000101 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // Never pruned: a purchase counts once, ever.
    await db.query(`
      CREATE TABLE gift.coin_purchase (
        source text COLLATE "C" NOT NULL,
        purchase_id text COLLATE "C" NOT NULL,
        content_hash bytea NOT NULL,
        PRIMARY KEY (source, purchase_id)
      )`);
    // Whoever changes a viewer's lots locks this row first. It counts the lots, which gives the next its sequence.
    await db.query(`
      CREATE TABLE gift.wallet (
        viewer_id text COLLATE "C" PRIMARY KEY,
        lots integer NOT NULL
      )`);
    await db.query(`
      CREATE TABLE gift.lot (
        viewer_id text COLLATE "C" NOT NULL,
        sequence integer NOT NULL,
        source text COLLATE "C" NOT NULL,
        purchase_id text COLLATE "C" NOT NULL,
        coins bigint NOT NULL,
        coins_left bigint NOT NULL,
        bought_at timestamptz NOT NULL,
        PRIMARY KEY (viewer_id, sequence),
        CONSTRAINT lot_of_one_purchase UNIQUE (source, purchase_id),
        CONSTRAINT lot_coins_left CHECK (coins_left BETWEEN 0 AND coins)
      )`);
    // Lots are emptied for good, so a wallet is read by what is left, not by all that was ever bought.
    await db.query('CREATE INDEX lot_with_coins_left ON gift.lot (viewer_id, sequence) WHERE coins_left > 0');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE gift.lot, gift.wallet, gift.coin_purchase');
  }
}
