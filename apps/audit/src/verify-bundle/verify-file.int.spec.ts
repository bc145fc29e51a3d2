import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bundleOf, keyOf, sealedEvening } from '../../test/sealed-log.js';
import { randomOf, tampered } from '../../test/tampering.js';
import { type BundleLine, LONGEST_LINE_BYTES, readBundleLine } from '../bundle/bundle-line.js';
import { TRAILER_BYTES, trailerOf } from '../bundle/trailer.js';
import { writeBundle } from '../bundle/write-bundle.worker.js';
import { proveBalance, proveEvent } from '../inclusion-proof/prove.flow.js';
import { type FileReport, verifyFile } from './verify-file.worker.js';

const [NOTARY, SIGNER, ATTACKER] = [keyOf(1), keyOf(2), keyOf(3)];
const TRUST = { seals: [createPublicKey(NOTARY)], bundles: [createPublicKey(SIGNER)] };
const log = sealedEvening(NOTARY);

let folder: string;
let lines: string[];
let bytes: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carat-bundle-'));
  lines = await bundleOf(log, 2);
  await writeBundle(join(folder, 'bundle'), parsed(lines), SIGNER);
  bytes = await readFile(join(folder, 'bundle'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function* parsed(texts: readonly string[]): AsyncGenerator<BundleLine> {
  yield* texts.map(readBundleLine);
}

async function verified(content: Buffer | string, trust = TRUST): Promise<FileReport> {
  const path = join(folder, 'file');
  await writeFile(path, content);
  return verifyFile(path, trust);
}

const signed = (content: Buffer, key: KeyObject): Buffer => {
  const digest = createHash('sha256').update(content).digest('binary');
  return Buffer.concat([content, trailerOf(digest, key)]);
};

describe('a bundle in a file', () => {
  test('is proven by its signer and the notary, and tells how far it is and every balance', async () => {
    const heard: number[] = [];
    let creators: string[] = [];
    const report = await verifyFile(
      join(folder, 'bundle'),
      TRUST,
      (done, of) => heard.push(done / of),
      (balances) => {
        creators = [...balances].map(({ creatorId }) => creatorId).sort();
      },
    );
    expect(report).toMatchObject({ kind: 'bundle', verdict: 'proven', opening: { seal: 2 }, closing: { seal: 6 } });
    expect(heard.at(-1)).toBe(1);
    expect(creators).toEqual(['creator-1', 'creator-2', 'creator-3', 'creator-4', 'creator-5']);
  });

  test('reads as lines of JSON to every gzip', () => {
    const texts = gunzipSync(bytes).toString('utf8').trimEnd().split('\n');
    const read = texts.map((text) => JSON.parse(text));
    expect(read.at(-1)).toMatchObject({ kind: 'trailer' });
    expect(read.slice(0, -1)).toEqual(lines.map((line) => JSON.parse(line)));
  });

  test('is not there when its making failed', async () => {
    const failing = (async function* () {
      yield* parsed(lines.slice(0, 3));
      throw new Error('the log cannot be read');
    })();
    await expect(writeBundle(join(folder, 'failed'), failing, SIGNER)).rejects.toThrow('the log cannot be read');
    expect((await readdir(folder)).filter((name) => name.startsWith('failed'))).toEqual([]);
  });
});

describe('nothing of a bundle is believed', () => {
  test.each([
    ['whose signer is not trusted', () => signed(bytes.subarray(0, -TRAILER_BYTES), ATTACKER), 'untrusted_bundle'],
    ['that lacks its end', () => bytes.subarray(0, -1), 'bundle_truncated'],
    ['that lacks its trailer', () => bytes.subarray(0, -TRAILER_BYTES), 'bundle_truncated'],
    ['that is a trailer alone', () => bytes.subarray(-TRAILER_BYTES), 'bundle_truncated'],
    [
      'that is no gzip, though it is signed',
      () => signed(Buffer.from([0x1f, 0x8b, 1, 2, 3]), SIGNER),
      'bundle_malformed',
    ],
    ['that holds nothing', () => signed(gzipSync(''), SIGNER), 'bundle_malformed'],
    ['that is no file of ours', () => Buffer.from('hello'), 'no_bundle'],
    ['that is empty', () => Buffer.alloc(0), 'no_bundle'],
  ])('%s', async (_, content, code) => {
    expect(await verified(content())).toMatchObject({ kind: 'unread', verdict: 'incomplete', code });
  });

  test('that lacks a piece of its middle, though a trailer follows', async () => {
    const content = Buffer.concat([bytes.subarray(0, 900), bytes.subarray(1000)]);
    expect(await verified(content)).toMatchObject({ kind: 'unread', verdict: 'differs', code: 'bytes_differ' });
  });

  test('beyond the seals that its signer could sign, too: whoever may bundle may not seal', async () => {
    const forged = await bundleOf(sealedEvening(SIGNER), 2);
    const content = signed(gzipSync(forged.join('\n')), SIGNER);
    expect(await verified(content)).toMatchObject({ verdict: 'incomplete', gaps: [{ code: 'untrusted_seal' }] });
  });

  test('past a line that is longer than any, as of a bomb', async () => {
    const bomb = Buffer.alloc(2 * LONGEST_LINE_BYTES, ' ');
    const detail = expect.stringContaining(`a line of more than ${LONGEST_LINE_BYTES} bytes`);
    const alone = gzipSync(bomb);
    expect(alone.length).toBeLessThan(bomb.length / 500);
    expect(await verified(signed(alone, SIGNER))).toMatchObject({ verdict: 'incomplete', detail });
    const behind = gzipSync(Buffer.concat([Buffer.from(`${lines[0]}\n`), bomb]));
    expect(await verified(signed(behind, SIGNER))).toMatchObject({ verdict: 'incomplete', gaps: [{ detail }] });
  });
});

test('of five hundred files with other bytes, or other lines and another signature, none is proven', async () => {
  const random = randomOf(11);
  const proven: string[] = [];
  for (let n = 0; n < 500; n++) {
    const at = random(bytes.length);
    const cut = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(50))]);
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << random(8)), at);
    const relined = () => signed(gzipSync(tampered(lines, random).lines.join('\n'), { level: 1 }), ATTACKER);
    const content = [cut, flipped, n % 3 === 2 ? relined() : bytes][n % 3] as Buffer;
    if ((await verified(content)).verdict === 'proven') proven.push(`${n} at ${at}`);
  }
  expect(proven).toEqual([]);
  expect(await verified(bytes)).toMatchObject({ verdict: 'proven' });
}, 60_000);

test('a proof in a file is recognised, and checked against the same keys', async () => {
  const place = { topic: 'gift.events.v1', partition: 1, offset: 0n } as const;
  for (const proof of [
    await proveBalance(log.reader, log.sealsFrom, 'creator-1', 3),
    await proveEvent(log.reader, log.sealsFrom, place),
  ]) {
    expect(await verified(JSON.stringify(proof))).toMatchObject({ kind: proof.kind, verdict: 'proven' });
    const trust = { seals: TRUST.bundles, bundles: TRUST.bundles };
    expect(await verified(JSON.stringify(proof), trust)).toMatchObject({ verdict: 'incomplete' });
  }
});
