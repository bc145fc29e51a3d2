import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { Id, Time, topicNames } from '@carat/events';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { hexOf, sha256 } from './digest.js';

const Hex = z.string().regex(/^[0-9a-f]{64}$/);
const Decimal = z.string().regex(/^-?\d+$/);

/** One partition up to a seal. */
const SealedPartition = z.strictObject({
  topic: z.enum(topicNames),
  partition: z.int().min(0),
  /** Every record before this offset is sealed, and none from here on. */
  nextOffset: Decimal,
  /** How many records that is; on Kafka fewer than the offset says. */
  records: Decimal,
  /** The hash chain over all of them. */
  chain: Hex,
  /** The root of the tree of those that came since the seal before, and how many they are. */
  root: Hex,
  added: z.int().min(0),
});
export type SealedPartition = Readonly<z.infer<typeof SealedPartition>>;

/** All events of one type up to a seal, as they stand in the log: repeats of a relay count again. */
const Sum = z.strictObject({ events: Decimal, coins: Decimal, millidiamonds: Decimal });

/**
 * What a notary says of the log at one moment. Amounts and offsets are decimal strings. A field that is not of this
 * version is refused, for the signature would not cover it.
 */
export const SealContent = z.strictObject({
  version: z.literal(2),
  /** From 1, without a gap. */
  number: z.int().min(1),
  /** The SHA-256 of the content of the seal before; of the first seal 64 zeros. */
  previous: Hex,
  /** The cluster's id, or the journal's epoch. */
  log: Id,
  sealedAt: Time,
  /** In the order of topics and partitions; a topic that is not there has no records. */
  partitions: z.array(SealedPartition).readonly(),
  sums: z.record(z.string(), Sum),
  /** Per partition of the topics that creators key: the digest of its creators' balances. */
  balances: z.array(z.strictObject({ partition: z.int().min(0), digest: Hex })).readonly(),
});
export type SealContent = Readonly<z.infer<typeof SealContent>>;

/** A seal as it is kept: in `audit.seal`, and as one line of a file that an outsider can keep. */
export const Seal = z.strictObject({
  content: SealContent,
  /** Which key signed it: the SHA-256 of the public key (SPKI, DER). */
  keyId: Hex,
  /** Ed25519 over the canonical JSON (RFC 8785) of the content, in base64. */
  signature: z.base64(),
});
export type Seal = Readonly<z.infer<typeof Seal>>;

/** `previous` of the first seal. */
export const NO_SEAL = '0'.repeat(64);

/** The canonical JSON (RFC 8785) of a content: the very text that is signed, and that is kept. */
export const textOfSeal = (content: SealContent): string => canonicalize(content) ?? '';

const bytesOf = (content: SealContent): Buffer => Buffer.from(textOfSeal(content), 'utf8');

/** What the next seal calls this one. */
export const hashOfSeal = (content: SealContent): string => hexOf(sha256(bytesOf(content)));

/** The name of a key: of a private one that of its public half. */
export const keyIdOf = (key: KeyObject): string =>
  hexOf(sha256((key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' })));

/** A seal, signed with an Ed25519 key. The same content and key give the same bytes. */
export const signSeal = (content: SealContent, key: KeyObject): Seal => ({
  content,
  keyId: keyIdOf(key),
  signature: sign(null, bytesOf(content), key).toString('base64'),
});

/** True when a seal was signed with the private half of a key, and nothing of it has changed since. */
export const isSignedWith = ({ content, keyId, signature }: Seal, key: KeyObject): boolean =>
  keyId === keyIdOf(key) && verify(null, bytesOf(content), key, Buffer.from(signature, 'base64'));
