import { createRequire } from 'node:module';
import { type AbortedTransaction, abortedOf, type FetchedRecord } from './aborted.js';

interface FetchedPartition {
  messages: FetchedRecord[];
  abortedTransactions: AbortedTransaction[] | null;
}
interface Fetched {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
}
interface Repairable<Self> {
  readonly prototype: Self;
}

const load = createRequire(import.meta.url);
const Broker = load('kafkajs/src/broker/index.js') as Repairable<{ fetch(request: object): Promise<Fetched> }>;
const Batch = load('kafkajs/src/consumer/batch.js') as Repairable<{ rawMessages: unknown[]; isEmpty(): boolean }>;
const RequestQueue = load('kafkajs/src/network/requestQueue/index.js') as Repairable<{
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
}>;

let repaired = false;

/**
 * Mends three things in kafkajs 2.2.4, in place, once per process. Each has a test that fails without it.
 *
 * - Aborted records are found by our rule and shown to kafkajs as control records, which it hides but steps over.
 * - A fetch that brought only hidden records reaches the handler as an empty batch. Else its offsets would never be
 *   stored, and the lag of a partition that ends in a control record would never be zero.
 * - With nothing pending, no check of what is pending is scheduled: kafkajs sets a timer with a negative delay on every
 *   request, which Node answers with a warning.
 */
export function repairClient(): void {
  if (repaired) return;
  repaired = true;

  const { fetch } = Broker.prototype;
  Broker.prototype.fetch = async function (request) {
    const fetched = await fetch.call(this, request);
    for (const { partitions } of fetched.responses) {
      for (const partition of partitions) {
        if (!partition.abortedTransactions?.length) continue;
        for (const record of abortedOf(partition.messages, partition.abortedTransactions))
          record.isControlRecord = true;
        partition.abortedTransactions = [];
      }
    }
    return fetched;
  };

  Batch.prototype.isEmpty = function () {
    return this.rawMessages.length === 0;
  };

  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
  };
}
