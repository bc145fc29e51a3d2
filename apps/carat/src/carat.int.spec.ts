import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const BIN = fileURLToPath(new URL('../bin/carat.js', import.meta.url));
let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
}, 60_000);

afterAll(() => database?.drop());

/** Runs `carat` with these words, against the spec's database unless told otherwise. */
async function carat(words: string, variables: Record<string, string> = { DATABASE_URL: database.url }) {
  const env = { PATH: process.env['PATH'] ?? '', ...variables };
  const child = spawn(process.execPath, [BIN, ...words.split(' ')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [data, talk] = ['', ''];
  child.stdout.on('data', (chunk) => {
    data += chunk;
  });
  child.stderr.on('data', (chunk) => {
    talk += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, data: data.trimEnd(), talk: talk.trimEnd() };
}

describe('carat keys', () => {
  test('makes a key before any service ran, lists it without its secret, and revokes it', async () => {
    const made = await carat('keys create --role publisher --source /live-platform');
    expect(made).toMatchObject({
      code: 0,
      data: expect.stringMatching(/^carat_publisher_[0-9a-f-]{36}_[0-9a-f]{64}$/),
    });
    const [, , id, secret = ''] = made.data.split('_');

    const listed = await carat('keys list --json');
    expect(JSON.parse(listed.data)).toEqual([
      {
        keyId: `key_${id}`,
        role: 'publisher',
        principal: '/live-platform',
        source: '/live-platform',
        createdAt: expect.any(String),
        revokedAt: null,
      },
    ]);
    expect(listed.data + listed.talk + made.talk).not.toContain(secret);

    expect(await carat(`keys revoke key_${id} --json`)).toMatchObject({
      code: 0,
      data: JSON.stringify({ keyId: `key_${id}`, revoked: true }),
    });
    expect((await carat('keys list')).data).toMatch(/\t\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  test.each([
    ['keys create', 2, '--role'],
    ['keys create --role boss', 2, '--role expects one of'],
    ['keys create --role creator', 2, '--role expects one of'],
    ['keys create --role publisher', 2, 'needs --source'],
    ['keys create --role operator --source /a', 2, '--source is for publisher keys'],
    ['keys create --role operator --principal Zoë', 2, '--principal expects'],
    ['keys revoke', 2, 'id'],
    ['keys revoke key_nobody', 5, 'there is no key key_nobody'],
    ['fly', 2, 'fly'],
    ['bench of-nothing', 5, 'there is no benchmark of-nothing'],
  ])('%s → exit code %i', async (words, code, said) => {
    const answer = await carat(words);
    expect(answer).toMatchObject({ code, data: '', talk: expect.stringContaining(said) });
  });

  test('asks for the name that a person’s tokens have, where an issuer gives them', async () => {
    const variables = { DATABASE_URL: database.url, OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'carat' };
    expect(await carat('keys create --role operator', variables)).toMatchObject({
      code: 2,
      data: '',
      talk: expect.stringContaining('needs --principal: the `sub`'),
    });
    const made = await carat('keys create --role operator --principal alice --json', variables);
    expect(JSON.parse(made.data)).toMatchObject({ role: 'operator', principal: 'alice' });
    expect(await carat('keys create --role publisher --source /live', variables)).toMatchObject({ code: 0 });
    expect(await carat('keys create --role operator')).toMatchObject({ code: 0 });
  });

  test('says that it reaches no database', async () => {
    const nobody = `postgres://carat:hunter2@127.0.0.1:${await freePort()}/carat`;
    expect(await carat('keys list', { DATABASE_URL: nobody })).toMatchObject({ code: 4, data: '' });
    expect(await carat('keys list', { CARAT_HOME: '/nowhere' })).toMatchObject({
      code: 4,
      talk: 'nothing runs on /nowhere: start Carat first, or set DATABASE_URL',
    });
  });
});
