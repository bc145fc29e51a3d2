import type { Tx } from '@carat/event-log';
import { Id } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Eligibility, EligibilityBody } from './eligibility.js';

// The time is cut to what JSON carries, so that the answer is what the table holds.
const SET = `
  INSERT INTO payout.eligibility (creator_id, adult, tax_form, redemptions_allowed, reason, set_by, set_at)
  VALUES ($1, $2, $3, $4, $5, $6, date_trunc('milliseconds', clock_timestamp())) RETURNING set_at AS "setAt"`;

const IN_FORCE = `
  SELECT adult, tax_form AS "taxForm", redemptions_allowed AS "redemptionsAllowed", reason, set_by AS "setBy",
         set_at AS "setAt"
  FROM payout.eligibility WHERE creator_id = $1 ORDER BY eligibility_id DESC LIMIT 1`;

type Row = Omit<Eligibility, 'creatorId' | 'setAt'> & { readonly setAt: Date };

/** What is in force of a creator; undefined when nobody has said anything yet. */
export async function eligibilityOf(tx: Tx, creatorId: string): Promise<Eligibility | undefined> {
  const [row] = (await tx.query(IN_FORCE, [creatorId])) as Row[];
  return row && { creatorId, ...row, setAt: row.setAt.toISOString() };
}

/** Whether creators may be paid. What was said before is kept beside what is said now. */
@Injectable()
export class Eligibilities {
  constructor(private readonly db: DataSource) {}

  /** Says it anew. It counts for every decision from now on, also for what was approved and not submitted yet. */
  async set(creatorId: string, said: EligibilityBody, principal: string): Promise<Eligibility> {
    const { adult, taxForm, redemptionsAllowed, reason } = said;
    const setBy = Id.parse(principal);
    const row = [creatorId, adult, taxForm, redemptionsAllowed, reason, setBy];
    const [{ setAt }] = (await this.db.query(SET, row)) as [{ setAt: Date }];
    return { creatorId, ...said, setBy, setAt: setAt.toISOString() };
  }

  find(creatorId: string): Promise<Eligibility | undefined> {
    return eligibilityOf(this.db.manager, creatorId);
  }
}
