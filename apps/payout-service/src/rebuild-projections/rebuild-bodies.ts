import { derivedUuid, Id, Reason, Time, topicNames } from '@carat/events';
import { z } from 'zod';
import { Decimal } from '../balances/balance.js';
import { projections } from './projection.js';

export const Projection = z.enum(projections);

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** The body of a rebuild: what a dry run announced, and why it is to be done. */
export const RebuildBody = z.object({
  shadow: Id.meta({ description: 'the schema where `carat audit replay` has built it: shadow_<projection>' }),
  planHash: Hash.meta({ description: 'of the difference as the dry run announced it' }),
  reason: Reason,
});
export type RebuildBody = Readonly<z.infer<typeof RebuildBody>>;

/** Where the shadow stood, and the ledger when it was repaired: the next offsets of one partition. */
const RebuiltUpTo = z.object({
  topic: z.enum(topicNames),
  partition: z.int().min(0),
  shadowNextOffset: Decimal,
  ledgerNextOffset: Decimal,
});
export type RebuiltUpTo = Readonly<z.infer<typeof RebuiltUpTo>>;

const Row = z.record(z.string(), z.string().nullable()).nullable();

/** A row that was repaired: as it was found, and as the log gives it. Null: there was none, or is none. */
export const RebuiltRow = z.object({ subject: Id, found: Row, expected: Row });
export type RebuiltRow = Readonly<z.infer<typeof RebuiltRow>>;

/** A repair of a projection as it is answered. */
export const Rebuild = z.object({
  rebuildId: Id,
  projection: Projection,
  planHash: Hash,
  rowCount: z.int().min(0).meta({ description: 'how many rows were repaired; all of them are kept' }),
  reason: Reason,
  rebuiltBy: Id,
  rebuiltAt: Time,
  positions: z.array(RebuiltUpTo),
});
export type Rebuild = Readonly<z.infer<typeof Rebuild>>;

export const Rebuilds = z.object({ items: z.array(Rebuild), nextCursor: z.null() });
export type Rebuilds = Readonly<z.infer<typeof Rebuilds>>;

export const RebuiltRowsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: Id.optional().meta({ description: 'rows whose subject comes after this one, in the order of bytes' }),
});
export type RebuiltRowsQuery = z.infer<typeof RebuiltRowsQuery>;

export const RebuiltRows = z.object({ items: z.array(RebuiltRow) });
export type RebuiltRows = Readonly<z.infer<typeof RebuiltRows>>;

export const rebuildIdOf = (atMs: number, planHash: string, by: string): string =>
  `rbd_${derivedUuid(atMs, 'projection rebuild', planHash, by)}`;
