import type { KeyObject } from 'node:crypto';
import { Id, partitionOf } from '@carat/events';
import { balanceOf, changesBy, type Terms } from '@carat/payout-service/terms';
import { z } from 'zod';
import {
  readBalance,
  readPath,
  readRecord,
  SealedRecordProof,
  WrittenBalance,
  type WrittenRecord,
} from '../bundle/bundle-line.js';
import { bucketDigest, bucketOf, rootOfBucket, TREE_DEPTH } from '../merkle-trees/balance-tree.js';
import { rootByRecord } from '../merkle-trees/record-tree.js';
import { digestOf, hexOf } from '../seals/digest.js';
import { entryOf } from '../seals/record-chain.js';
import { isSignedWith, keyIdOf, Seal } from '../seals/seal.js';

const Hex = z.string().regex(/^[0-9a-f]{64}$/);

const BalanceProof = z.strictObject({
  kind: z.literal('balance'),
  format: z.literal('carat proof v2'),
  seal: Seal,
  creatorId: Id,
  /** Every balance of the creator's bucket; a creator who is not among them has nothing. */
  balances: z.array(WrittenBalance).readonly(),
  path: z.array(Hex).length(TREE_DEPTH).readonly(),
});
export type BalanceProof = Readonly<z.infer<typeof BalanceProof>>;

const EventProof = SealedRecordProof.extend({ kind: z.literal('event'), format: z.literal('carat proof v2') });
export type EventProof = Readonly<z.infer<typeof EventProof>>;

/** A file by itself: one balance or one event, and what leads from it to a seal. */
export const InclusionProof = z.discriminatedUnion('kind', [BalanceProof, EventProof]);
export type InclusionProof = Readonly<z.infer<typeof InclusionProof>>;

/** What a proof shows, and whether its seal holds that. Amounts are in millidiamonds. */
export interface ProofReport {
  readonly kind: 'balance' | 'event';
  readonly verdict: 'proven' | 'differs' | 'incomplete';
  readonly seal: { readonly number: number; readonly sealedAt: string; readonly log: string; readonly keyId: string };
  /** Why it is not proven. */
  readonly refuted?: Refuted;
  readonly creatorId?: string;
  readonly balance?: ReturnType<typeof balanceOf>;
  readonly record?: WrittenRecord;
}

/** Why a proof proves nothing: `code` for machines, and a sentence. */
export interface Refuted {
  readonly code: string;
  readonly detail: string;
}

/** Whether a trusted key signed a seal: why not, if not. */
export function distrustOf(seal: Seal, keys: readonly KeyObject[]): Refuted | undefined {
  const key = keys.find((each) => keyIdOf(each) === seal.keyId);
  if (key === undefined)
    return { code: 'untrusted_seal', detail: `seal ${seal.content.number} is by the key ${seal.keyId}` };
  if (isSignedWith(seal, key)) return undefined;
  return { code: 'seal_signature_differs', detail: `the key ${seal.keyId} did not sign seal ${seal.content.number}` };
}

/** Holds a record against the root that its seal has of its partition. Undefined when it is there. */
export function refuteRecord({ seal, record, ...path }: SealedRecordProof): Refuted | undefined {
  const { topic, partition } = record;
  const sealed = seal.content.partitions.find((each) => each.topic === topic && each.partition === partition);
  if (sealed === undefined) return { code: 'partition_not_sealed', detail: `the seal knows no ${topic}/${partition}` };
  const root = rootByRecord({ topic, partition }, entryOf(readRecord(record)), readPath(path), sealed.added);
  if (root !== undefined && hexOf(root) === sealed.root) return undefined;
  return { code: 'root_differs', detail: `the record does not lead to the root of seal ${seal.content.number}` };
}

/**
 * Holds a creator's balance against the digest that its seal has of its partition. The partition follows from the
 * creator and the seal, or a creator could be shown to have nothing in a partition of others.
 */
function refuteBalance({ seal, creatorId, balances, path }: BalanceProof): Refuted | undefined {
  const partition = partitionOf(Buffer.from(creatorId), seal.content.balances.length);
  const sealed = seal.content.balances.find((each) => each.partition === partition);
  if (sealed === undefined)
    return { code: 'partition_not_sealed', detail: `the seal has no balances of partition ${partition}` };
  const bucket = bucketOf(creatorId);
  const isOfBucket = balances.every((balance) => bucketOf(balance.creatorId) === bucket);
  const isUnique = new Set(balances.map((balance) => balance.creatorId)).size === balances.length;
  const root = rootOfBucket(bucket, bucketDigest(balances.map(readBalance)), path.map(digestOf));
  if (isOfBucket && isUnique && hexOf(root) === sealed.digest) return undefined;
  return { code: 'balances_differ', detail: `the balances do not lead to the digest of seal ${seal.content.number}` };
}

/** Holds what a proof shows against its seal, whoever signed that. Undefined when the seal holds it. */
export function refute(proof: InclusionProof): Refuted | undefined {
  return proof.kind === 'event' ? refuteRecord(proof) : refuteBalance(proof);
}

/** Checks a proof against its seal, and its seal against the keys that are trusted. */
export function checkProof(proof: InclusionProof, keys: readonly KeyObject[]): ProofReport {
  const { content, keyId } = proof.seal;
  const distrust = distrustOf(proof.seal, keys);
  const refuted = distrust ?? refute(proof);
  return {
    kind: proof.kind,
    verdict: refuted === undefined ? 'proven' : distrust?.code === 'untrusted_seal' ? 'incomplete' : 'differs',
    seal: { number: content.number, sealedAt: content.sealedAt, log: content.log, keyId },
    ...(refuted && { refuted }),
    ...(proof.kind === 'event'
      ? { record: proof.record }
      : { creatorId: proof.creatorId, balance: balanceOf(termsIn(proof)) }),
  };
}

function termsIn({ creatorId, balances }: BalanceProof): Terms {
  const found = balances.find((balance) => balance.creatorId === creatorId);
  return found === undefined ? changesBy([]) : readBalance(found).terms;
}
