import { readFileSync } from 'node:fs';
import type { Tx } from '@carat/event-log';
import { append } from '@carat/event-log/journal';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { GiftEnvironment } from '../gift-environment.worker.js';
import { type Catalogue, type GiftType, seedEvents, unreadCatalogue, withChanges } from './catalogue.js';

const SEEDED_GIFT_TYPES = new URL('../../../../data/catalogue.json', import.meta.url);

/**
 * Locks the catalogue until the transaction ends, and then takes the database's clock. Whoever changes it locks for
 * update, so what is committed up to `version` is all there is at that time.
 */
export async function lockCatalogue(
  tx: Tx,
  mode: 'share' | 'update',
): Promise<{ readonly version: number; readonly clockMs: number }> {
  // Postgres works out a locking statement's columns before it waits for the row, so the clock stands outside of it.
  const [row] = (await tx.query(
    `WITH locked AS MATERIALIZED (SELECT version FROM gift.catalogue FOR ${mode === 'share' ? 'SHARE' : 'UPDATE'})
     SELECT version, clock_timestamp() AS clock FROM locked`,
  )) as { version: number; clock: Date }[];
  if (row === undefined) throw new Error('gift.catalogue has no row');
  return { version: row.version, clockMs: row.clock.getTime() };
}

const INSERT = `
  INSERT INTO gift.gift_type (gift_type_id, market, effective_from, data, version)
  SELECT d->>'giftTypeId', d->>'market', (d->>'effectiveFrom')::timestamptz, d, $2
  FROM unnest($1::jsonb[]) AS t(d) ORDER BY 1, 2, 3`;

const insert = (tx: Tx, conflict: string, types: readonly GiftType[], version: number): Promise<{ id: string }[]> =>
  tx.query(`${INSERT} ON CONFLICT ${conflict} RETURNING gift_type_id AS id`, [
    types.map((type) => JSON.stringify(type)),
    version,
  ]);

const setVersion = (tx: Tx, version: number): Promise<unknown> =>
  tx.query('UPDATE gift.catalogue SET version = $1', [version]);

/** Writes the gift types that every installation starts with, event and row, where there is no such row yet. */
export async function seedCatalogue(tx: Tx): Promise<void> {
  const version = (await lockCatalogue(tx, 'update')).version + 1;
  const events = seedEvents(JSON.parse(readFileSync(SEEDED_GIFT_TYPES, 'utf8')));
  const types = events.map(({ data }) => data);
  const isNew = new Set((await insert(tx, 'DO NOTHING', types, version)).map(({ id }) => id));
  if (isNew.size === 0) return;
  await setVersion(tx, version);
  await append(
    tx,
    'catalogue.events.v1',
    events.filter(({ data }) => isNew.has(data.giftTypeId)),
  );
}

/** Writes an entry, in the place of one of the same moment, as a new version. Its caller has locked the catalogue. */
export async function writeEntry(tx: Tx, type: GiftType, version: number): Promise<void> {
  await insert(
    tx,
    '(gift_type_id, market, effective_from) DO UPDATE SET data = excluded.data, version = excluded.version',
    [type],
    version,
  );
  await setVersion(tx, version);
}

/** The catalogue up to a version, and how far that is final. */
interface Known {
  readonly catalogue: Catalogue;
  readonly version: number;
}

/**
 * The catalogue as this database knows it, kept in memory and brought up to date when a gift asks for a time that it
 * does not cover yet.
 */
@Injectable()
export class CurrentCatalogue {
  private known: Known = { catalogue: unreadCatalogue, version: -1 };

  constructor(
    private readonly db: DataSource,
    @Inject(ENVIRONMENT) private readonly environment: GiftEnvironment,
  ) {}

  /**
   * The catalogue, complete past `timeMs` if it can be: refreshed at most once, in the caller's transaction, which then
   * holds back changes until it ends. A gift past its `completeUntilMs` gets no price from it.
   *
   * A change locks the row before it takes its clock, and begins no earlier than that clock plus the lead. So with the
   * row held in share, all changes so far are visible, and what comes later begins after our clock plus the lead. A
   * plain read would miss a change that has its clock and not yet its commit.
   */
  async completeUntil(tx: Tx, timeMs: number): Promise<Catalogue> {
    const { known } = this;
    if (timeMs < known.catalogue.completeUntilMs) return known.catalogue;
    const { version, clockMs } = await lockCatalogue(tx, 'share');
    const { catalogue } = version === known.version ? known : await readOn(tx, known);
    const completeUntilMs = clockMs + this.environment.CATALOGUE_LEAD;
    return this.keep({ catalogue: { ...catalogue, completeUntilMs }, version });
  }

  /** The catalogue with every change that is committed by now, whichever instance made it. */
  async latest(): Promise<Catalogue> {
    return this.keep(await readOn(this.db.manager, this.known));
  }

  /** Keeps what was read, unless another read meanwhile came further. */
  private keep(read: Known): Catalogue {
    const { catalogue, version } = this.known;
    if (read.version >= version && read.catalogue.completeUntilMs >= catalogue.completeUntilMs) this.known = read;
    return read.catalogue;
  }
}

/** What was read before is committed, and whatever took its place since has a higher version: only that is read. */
async function readOn(tx: Tx, { catalogue, version }: Known): Promise<Known> {
  const rows = (await tx.query('SELECT data, version FROM gift.gift_type WHERE version > $1', [version])) as {
    data: GiftType;
    version: number;
  }[];
  return {
    catalogue: withChanges(
      catalogue,
      rows.map(({ data }) => data),
    ),
    version: rows.reduce((latest, row) => Math.max(latest, row.version), version),
  };
}
