import { createPublicKey } from 'node:crypto';
import { partitionOf } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { keyOf, sealedEvening } from '../../test/sealed-log.js';
import { edited, randomOf } from '../../test/tampering.js';
import { Malformed, readJson } from '../bundle/bundle-line.js';
import { signSeal } from '../seals/seal.js';
import { checkProof, InclusionProof, type ProofReport } from './inclusion-proof.js';
import { LogDiffers, NothingToProve, proveBalance, proveEvent } from './prove.flow.js';

const NOTARY = keyOf(1);
const KEYS = [createPublicKey(NOTARY)];
const log = sealedEvening(NOTARY);
const read = (text: string): InclusionProof => readJson(InclusionProof, text);
const checked = (proof: InclusionProof): ProofReport => checkProof(read(JSON.stringify(proof)), KEYS);

describe('the proof of a balance', () => {
  test('of every creator at every seal holds, and shows what the seal was made of', async () => {
    for (const { content } of log.seals)
      for (const creatorId of ['creator-1', 'creator-2', 'creator-3', 'creator-4', 'creator-5']) {
        const report = checked(await proveBalance(log.reader, log.sealsFrom, creatorId, content.number));
        expect(report).toMatchObject({ verdict: 'proven', seal: { number: content.number }, creatorId });
        if (content.number < 6) continue;
        const balances = log.balances(partitionOf(creatorId, 2));
        expect(report.balance).toMatchObject(balances.find((balance) => balance.creatorId === creatorId)?.terms ?? {});
      }
  });

  test('shows that a creator of whom nothing is known has nothing', async () => {
    const report = checked(await proveBalance(log.reader, log.sealsFrom, 'nobody'));
    expect(report).toMatchObject({ verdict: 'proven', seal: { number: 6 }, balance: { earned: 0n, available: 0n } });
  });

  test('does not show that a creator has nothing, by a partition or a bucket of others', async () => {
    const proof = await proveBalance(log.reader, log.sealsFrom, 'creator-1');
    for (const { creatorId } of [...log.balances(0), ...log.balances(1)]) {
      if (creatorId === 'creator-1') continue;
      const other = await proveBalance(log.reader, log.sealsFrom, creatorId);
      expect(checked({ ...other, creatorId: 'creator-1' })).toMatchObject({ verdict: 'differs' });
    }
    expect(checked({ ...proof, balances: [] })).toMatchObject({ verdict: 'differs' });
    expect(checked({ ...proof, balances: [...proof.balances, ...proof.balances] })).toMatchObject({
      verdict: 'differs',
    });
  });

  test('is not there for a seal that is not, or from a log that is not as it was sealed', async () => {
    await expect(proveBalance(log.reader, log.sealsFrom, 'creator-1', 7)).rejects.toThrow(NothingToProve);
    const other = sealedEvening(NOTARY);
    const partition = partitionOf('creator-1', 2);
    other.of('diamond.events.v1', partition).records.pop();
    await expect(proveBalance(other.reader, other.sealsFrom, 'creator-1')).rejects.toThrow(LogDiffers);
  });
});

describe('the proof of an event', () => {
  test('of every record in the log holds', async () => {
    for (const topic of ['rate.events.v1', 'gift.events.v1', 'diamond.events.v1', 'gift.requests.v1'] as const)
      for (const partition of topic === 'rate.events.v1' ? [0] : [0, 1])
        for (const { offset } of log.of(topic, partition).records) {
          const report = checked(await proveEvent(log.reader, log.sealsFrom, { topic, partition, offset }));
          expect(report).toMatchObject({ verdict: 'proven', record: { topic, partition, offset: String(offset) } });
        }
  });

  test('is not there for an offset that no seal covers, or where there is no record', async () => {
    const place = { topic: 'gift.events.v1', partition: 0 } as const;
    await expect(proveEvent(log.reader, log.sealsFrom, { ...place, offset: 999n })).rejects.toThrow('no seal covers');
    const offsets = log.of('diamond.events.v1', 1).records.map(({ offset }) => offset);
    const gap = offsets.map((offset) => offset + 1n).find((next) => !offsets.includes(next)) as bigint;
    const unused = proveEvent(log.reader, log.sealsFrom, { topic: 'diamond.events.v1', partition: 1, offset: gap });
    await expect(unused).rejects.toThrow(NothingToProve);
  });
});

test('a seal by another key, or that says another thing than its signature, proves nothing', async () => {
  const proof = await proveBalance(log.reader, log.sealsFrom, 'creator-1');
  const forged = signSeal(proof.seal.content, keyOf(2));
  expect(checked({ ...proof, seal: forged })).toMatchObject({
    verdict: 'incomplete',
    refuted: { code: 'untrusted_seal' },
  });
  expect(checked({ ...proof, seal: { ...forged, keyId: proof.seal.keyId } })).toMatchObject({
    verdict: 'differs',
    refuted: { code: 'seal_signature_differs' },
  });
});

test('of five hundred proofs in which somebody changed one value, none holds', async () => {
  const random = randomOf(7);
  const place = { topic: 'gift.events.v1', partition: 1, offset: 0n } as const;
  const proofs = [
    await proveBalance(log.reader, log.sealsFrom, 'creator-3'),
    await proveEvent(log.reader, log.sealsFrom, place),
  ].map((proof) => JSON.stringify(proof));
  const believed: string[] = [];
  for (let n = 0; n < 500; n++) {
    const text = edited(proofs[n % 2] as string, random);
    try {
      if (checkProof(read(text), KEYS).verdict === 'proven' && text !== proofs[n % 2]) believed.push(text);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
    }
  }
  expect(believed).toEqual([]);
}, 60_000);
