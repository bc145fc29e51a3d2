import type { KeyObject } from 'node:crypto';
import type { SealSums } from '../lanes/lane-task.js';
import { hashOfSeal, isSignedWith, NO_SEAL, type Seal } from '../seals/seal.js';
import type { SealMalformed } from '../seals/seal-line.js';
import type { Findings } from './findings.js';

/** The key that is trusted, by whom a seal has to be signed. */
export type Trusted = ReadonlyMap<string, KeyObject>;

interface Series {
  readonly trusted: Trusted;
  readonly logId: string;
  /** How many seals there must be. */
  readonly atLeast: number;
  /** What stands among them and is none. */
  readonly malformed: readonly SealMalformed[];
}

/**
 * Seals by themselves: none is missing, each names the one before, each is signed with a key that is trusted, is of
 * this log, and goes on from where the one before stood.
 */
export function checkSeries(
  seals: readonly Seal[],
  { trusted, logId, atLeast, malformed }: Series,
  findings: Findings,
): void {
  for (const { where, why } of malformed) findings.add('seals', 'seal_malformed', where, why);
  findings.checked('seals', seals.length);
  const last = seals.at(-1)?.content.number ?? 0;
  if (last < atLeast)
    findings.add(
      'seals',
      'seal_missing',
      `seal ${atLeast}`,
      `the last is seal ${last}, and what a notary keeps was sealed after it`,
    );
  let before: Seal | undefined;
  for (const seal of seals) {
    const { content, keyId } = seal;
    const find = (code: string, detail: string): void => findings.add('seals', code, `seal ${content.number}`, detail);
    const key = trusted.get(keyId);
    if (key === undefined) find('seal_key_untrusted', `signed with the key ${keyId}`);
    else if (!isSignedWith(seal, key)) find('seal_signature_wrong', `the signature is not one of the key ${keyId}`);
    if (content.log !== logId) find('seal_of_another_log', `it is of ${content.log}, this is ${logId}`);
    const number = (before?.content.number ?? 0) + 1;
    if (content.number !== number) find('seal_missing', `it follows seal ${number - 1}`);
    const previous = before === undefined ? NO_SEAL : hashOfSeal(before.content);
    if (content.previous !== previous) find('seal_out_of_chain', `it follows ${content.previous}, not ${previous}`);
    for (const { topic, partition, nextOffset } of before?.content.partitions ?? []) {
      const now = content.partitions.find((each) => each.topic === topic && each.partition === partition);
      if (now === undefined || BigInt(now.nextOffset) < BigInt(nextOffset))
        find('seal_goes_back', `${topic}/${partition} was sealed up to ${nextOffset} before`);
    }
    before = seal;
  }
}

/** Holds the sums that seals name against those of the records: of every partition, summed up. */
export function checkSums(
  seals: readonly Seal[],
  partitions: readonly (readonly SealSums[])[],
  findings: Findings,
): void {
  const sums = new Map<string, { events: bigint; coins: bigint; millidiamonds: bigint }>();
  for (const [index, { content }] of seals.entries()) {
    for (const of of partitions)
      for (const [type, more] of of[index] ?? []) {
        const sum = sums.get(type) ?? { events: 0n, coins: 0n, millidiamonds: 0n };
        sums.set(type, sum);
        sum.events += more.events;
        sum.coins += more.coins;
        sum.millidiamonds += more.millidiamonds;
      }
    findings.checked('seals');
    for (const type of new Set([...sums.keys(), ...Object.keys(content.sums)])) {
      const sealed = content.sums[type] ?? { events: '0', coins: '0', millidiamonds: '0' };
      const sum = sums.get(type) ?? { events: 0n, coins: 0n, millidiamonds: 0n };
      const differing = (['events', 'coins', 'millidiamonds'] as const).filter((of) => String(sum[of]) !== sealed[of]);
      if (differing.length > 0)
        findings.add(
          'seals',
          'sums_differ',
          `seal ${content.number}`,
          `${type}: ${differing.map((of) => `${of} ${sum[of]}, sealed ${sealed[of]}`).join('; ')}`,
        );
    }
  }
}
