/** A fetched record, as far as transactions are concerned. kafkajs has its numbers as text. */
export interface FetchedRecord {
  readonly offset: string | bigint;
  readonly key: Buffer | null;
  isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string | bigint; readonly inTransaction: boolean };
}

/** As the broker answers it: this producer's transaction, open from `firstOffset`, was aborted. */
export interface AbortedTransaction {
  readonly producerId: string | bigint;
  readonly firstOffset: string | bigint;
}

const ABORT = 0;

/**
 * Which of the fetched records belong to aborted transactions, as Kafka's Java client decides it: transactions open in
 * the order of their first offsets, several may be open at once, and only a control record closes one. kafkajs opens at
 * most one per record and takes any record whose key is four zero bytes for an abort (ADR 0006).
 */
export function abortedOf<R extends FetchedRecord>(
  records: readonly R[],
  transactions: readonly AbortedTransaction[],
): R[] {
  const opening = transactions
    .map(({ producerId, firstOffset }) => ({ producerId: String(producerId), first: BigInt(firstOffset) }))
    .sort((a, b) => (a.first < b.first ? -1 : 1));
  const open = new Set<string>();
  let next = 0;
  return records.filter((record) => {
    const offset = BigInt(record.offset);
    for (let at = opening[next]; at !== undefined && at.first <= offset; at = opening[++next]) open.add(at.producerId);
    const producerId = String(record.batchContext.producerId);
    if (record.isControlRecord) {
      // A control record's key is a version and a type, two bytes each.
      if (record.key !== null && record.key.length >= 4 && record.key.readInt16BE(2) === ABORT) open.delete(producerId);
      return false;
    }
    return record.batchContext.inTransaction && open.has(producerId);
  });
}
