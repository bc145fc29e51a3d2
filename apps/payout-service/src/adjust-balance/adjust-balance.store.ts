import { readBack } from '@carat/events';
import { book, lockBooks, openBooks } from '../diamond-ledger/creator-books.store.js';
import type { Approval } from '../proposals/approval.js';
import { type AdjustmentContent, balanceAdjusted } from './adjustment.js';

/** An approved adjustment is an event of its creator's books, and is booked by the door that decides on it (ADR 14). */
export const adjusting: Approval<AdjustmentContent> = {
  // Whatever a creator has or owes, it can be put right.
  foresee: async () => {},

  prepare: async (tx, { creatorId }, logId) => {
    // An adjustment may well be the first thing that happens to a creator, and what is not there cannot be locked.
    await openBooks(tx, creatorId);
    const { nextSeq: ledgerSeq, after, clockMs } = await lockBooks(tx, logId, creatorId);
    return {
      clockMs,
      carryOut: async (approved, request) => {
        const event = balanceAdjusted(approved, { ledgerSeq, after }, request);
        await book(tx, readBack('redemption.events.v1', event));
      },
    };
  },
};
