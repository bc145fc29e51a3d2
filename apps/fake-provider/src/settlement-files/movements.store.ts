import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CurrentBehaviour } from '../behaviour/behaviour.store.js';
import { DueChanges } from '../fall-due/due-changes.store.js';
import { coveredBy, type Movement, type Shown, settlementFile, shownOf, startOfDay } from './settlement-file.js';

const MOVEMENTS = `
  SELECT line, payout_id AS "payoutId", provider_reference AS "providerReference", kind, currency,
    m.amount_minor AS "amountMinor", m.fee_minor AS "feeMinor", at_ms AS "atMs", shown
  FROM fake_provider.movement m JOIN fake_provider.payout p USING (payout_id)`;
const ALL = `${MOVEMENTS} ORDER BY line`;
const BETWEEN = `${MOVEMENTS} WHERE at_ms >= $1 AND at_ms < $2 ORDER BY line`;

const CLOSE = `
  UPDATE fake_provider.movement m SET shown = c.shown FROM unnest($1::bigint[], $2::text[]) AS c (line, shown)
  WHERE m.line = c.line AND m.shown IS NULL`;

type Row = Omit<Movement, 'atMs'> & { readonly atMs: string; readonly shown: Shown | null };
type Booked = Movement & { readonly shown: Shown | null };

/** Every movement of money: what the provider did, and what its files say that it did. */
@Injectable()
export class Movements {
  constructor(
    private readonly db: DataSource,
    private readonly changes: DueChanges,
    private readonly behaviour: CurrentBehaviour,
  ) {}

  all(): Promise<Booked[]> {
    return this.find(ALL, []);
  }

  /**
   * The settlement file of a UTC day, yyyy-mm-dd. How it shows a movement is decided when the file is first asked for
   * after the movement's day is over, and kept: from then on it is the same to the byte. Until then it is that so far.
   */
  async file(day: string): Promise<string> {
    const { nowMs } = await this.changes.doAll();
    const behaviour = await this.behaviour.read();
    const { fromMs, untilMs } = coveredBy(day);
    const overMs = Math.min(untilMs, startOfDay(nowMs));
    const open = (await this.find(BETWEEN, [fromMs, overMs])).filter(({ shown }) => shown === null);
    const decided = open.map(({ line }) => shownOf(line, behaviour));
    if (open.length > 0) await this.db.query(CLOSE, [open.map(({ line }) => line), decided]);
    const covered = await this.find(BETWEEN, [fromMs, untilMs]);
    return settlementFile(
      day,
      covered.map((movement) => ({ ...movement, shown: movement.shown ?? shownOf(movement.line, behaviour) })),
    );
  }

  private async find(sql: string, parameters: readonly unknown[]): Promise<Booked[]> {
    const rows = (await this.db.query(sql, [...parameters])) as Row[];
    return rows.map((row) => ({ ...row, atMs: Number(row.atMs) }));
  }
}
