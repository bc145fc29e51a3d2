import { Injectable } from '@nestjs/common';
import DataLoader from 'dataloader';
import { DataSource } from 'typeorm';
import type { AskedGift } from '../asked-gift.js';
import type { Answer } from './same-identity.js';
import { SendGiftStore } from './send-gift.store.js';

const LONGEST_WAIT_MS = 5;
/** The most gifts in one transaction, and in one request. */
export const LARGEST_BATCH = 1000;

/**
 * The door of HTTP: gifts that arrive within a few milliseconds of each other, on whatever connection, become one
 * transaction, as a batch of the log does. A transaction that fails fails for all of them; sending them again under
 * the same identities is safe.
 */
@Injectable()
export class GiftCollector {
  private readonly loader: DataLoader<AskedGift, Answer>;

  constructor(db: DataSource, gifts: SendGiftStore) {
    this.loader = new DataLoader((batch) => db.transaction((tx) => gifts.send(tx, batch)), {
      cache: false,
      maxBatchSize: LARGEST_BATCH,
      batchScheduleFn: (dispatch) => void setTimeout(dispatch, LONGEST_WAIT_MS),
    });
  }

  /** Answers after the commit. */
  send(asked: AskedGift): Promise<Answer> {
    return this.loader.load(asked);
  }
}
