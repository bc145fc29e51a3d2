import { readFileSync } from 'node:fs';
import type { Tx } from '@carat/event-log';
import { append } from '@carat/event-log/journal';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Catalogue, catalogueOf, type GiftType, seedEvents } from './catalogue.js';

const SEEDED_GIFT_TYPES = new URL('../../../../data/catalogue.json', import.meta.url);

const INSERT = `
  INSERT INTO gift.gift_type (gift_type_id, market, effective_from, data)
  SELECT d->>'giftTypeId', d->>'market', (d->>'effectiveFrom')::timestamptz, d
  FROM unnest($1::jsonb[]) AS t(d) ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING RETURNING gift_type_id AS "giftTypeId"`;

/** Writes the gift types that every installation starts with, event and row, where there is no such row yet. */
export async function seedCatalogue(tx: Tx): Promise<void> {
  const events = seedEvents(JSON.parse(readFileSync(SEEDED_GIFT_TYPES, 'utf8')));
  const inserted = (await tx.query(INSERT, [events.map(({ data }) => JSON.stringify(data))])) as {
    giftTypeId: string;
  }[];
  const isNew = new Set(inserted.map(({ giftTypeId }) => giftTypeId));
  await append(
    tx,
    'catalogue.events.v1',
    events.filter(({ data }) => isNew.has(data.giftTypeId)),
  );
}

/** The catalogue in memory, read once at start: nothing changes it while the service runs. */
@Injectable()
export class CurrentCatalogue implements OnModuleInit {
  private catalogue: Catalogue = new Map();

  constructor(private readonly db: DataSource) {}

  async onModuleInit(): Promise<void> {
    const rows = (await this.db.query('SELECT data FROM gift.gift_type')) as { data: GiftType }[];
    this.catalogue = catalogueOf(rows.map(({ data }) => data));
  }

  now(): Catalogue {
    return this.catalogue;
  }
}
