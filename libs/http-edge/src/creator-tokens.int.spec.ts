import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Controller, Get, Global, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import {
  ApiKeys,
  accessMigrations,
  type Caller,
  CallerOf,
  CreatorTokens,
  EdgeAdapter,
  HttpEdgeModule,
  OwnCreator,
  Problem,
  Public,
  Roles,
} from './index.js';

@Controller('shelves')
@Roles('creator', 'auditor')
class ShelvesController {
  @Get('of/:creatorId')
  ofCreator(@Param('creatorId') creatorId: string, @CallerOf() caller: Caller): object {
    return { creatorId, caller };
  }

  @Get()
  list(@OwnCreator() own: string | undefined): object {
    return { items: ['ann', 'ben'].filter((creatorId) => own === undefined || own === creatorId) };
  }

  @Get('by-id/:id')
  byId(@Param('id') id: string, @OwnCreator() own: string | undefined): object {
    const creatorId = { 'shelf-of-ann': 'ann', 'shelf-of-ben': 'ben' }[id];
    if (creatorId === undefined || (own !== undefined && own !== creatorId)) throw new Problem('not_found');
    return { creatorId };
  }

  @Get('unconfined')
  unconfined(): object {
    return { items: ['ann', 'ben'] };
  }

  @Get('public')
  @Public()
  toEveryone(@OwnCreator() own: string | undefined): object {
    return { own };
  }

  @Post()
  @Roles('auditor')
  notForCreators(): object {
    return {};
  }
}

let database: TestDatabase;
let db: DataSource;
let app: NestFastifyApplication;
let keys: ApiKeys;
let tokens: CreatorTokens;
let publisher: { keyId: string; key: string };
let auditor: string;

beforeAll(async () => {
  database = await freshDatabase();
  db = await new DataSource({ type: 'postgres', url: database.url, migrations: accessMigrations }).initialize();
  await db.runMigrations();

  @Global()
  @Module({ providers: [{ provide: DataSource, useValue: db }], exports: [DataSource] })
  class DatabaseModule {}
  @Module({ imports: [DatabaseModule, HttpEdgeModule], controllers: [ShelvesController] })
  class TestModule {}

  app = await NestFactory.create<NestFastifyApplication>(TestModule, new EdgeAdapter(), { logger: false });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  keys = app.get(ApiKeys);
  tokens = app.get(CreatorTokens);
  publisher = await keys.create({ role: 'publisher', principal: 'live', source: '/live-platform' });
  auditor = (await keys.create({ role: 'auditor', principal: 'ann' })).key;
}, 60_000);

afterAll(async () => {
  await app?.close();
  await db?.destroy();
  await database?.drop();
});

const tokenOf = async (creatorId: string, { ttlSeconds = 60, issuedBy = publisher.keyId } = {}): Promise<string> =>
  (await tokens.issue({ creatorId, ttlSeconds, issuedBy })).token;

const ask = async (
  path: string,
  key: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const answer = await app.inject({ method, url: path, headers: { authorization: `Bearer ${key}` } });
  const { traceId: _, ...body } = answer.json();
  return { status: answer.statusCode, body };
};

describe('a creator’s token opens', () => {
  test('what is about its creator, and the route knows whose it is', async () => {
    const token = await tokenOf('ann');
    const caller = { keyId: `tok_${token.split('_')[2]}`, role: 'creator', principal: 'creator:ann', creatorId: 'ann' };
    expect(await ask('/shelves/of/ann', token)).toEqual({ status: 200, body: { creatorId: 'ann', caller } });
  });

  test('nothing of another creator, who looks like a path that there is not', async () => {
    const token = await tokenOf('ann');
    const nothing = await ask('/nothing', token);
    expect(nothing).toMatchObject({ status: 404, body: { code: 'not_found' } });
    for (const other of ['ben', 'ANN', 'ann%20', '%20ann', 'an', 'anna', 'ann%00', '%2561nn', '__proto__'])
      expect([other, await ask(`/shelves/of/${other}`, token)]).toEqual([other, nothing]);
    expect(await ask('/shelves/of/ben', auditor)).toMatchObject({ status: 200, body: { creatorId: 'ben' } });
  });

  test('exactly its own, whatever printable characters an id is made of', async () => {
    // A path of one or two dots never leaves a client: every URL parser takes it away.
    const id = fc
      .oneof(
        fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 128 }),
        fc.constantFrom('creator/ ../x%', '%2F'),
      )
      .filter((text) => !/^(\.|%2e){1,2}$/i.test(text));
    await fc.assert(
      fc.asyncProperty(id, id, async (own, other) => {
        const token = await tokenOf(own);
        const of = (creatorId: string) => ask(`/shelves/of/${encodeURIComponent(creatorId)}`, token);
        expect(await of(own)).toMatchObject({ status: 200, body: { creatorId: own, caller: { creatorId: own } } });
        expect((await of(other)).status).toBe(other === own ? 200 : 404);
      }),
      { numRuns: 60, examples: [['creator/ ../x%', 'creator/']] },
    );
  });

  test('routes without a creator in their path, which are told whose things to keep to', async () => {
    const token = await tokenOf('ann');
    expect(await ask('/shelves', token)).toEqual({ status: 200, body: { items: ['ann'] } });
    expect(await ask('/shelves', auditor)).toEqual({ status: 200, body: { items: ['ann', 'ben'] } });
    expect((await ask('/shelves/by-id/shelf-of-ann', token)).status).toBe(200);
    expect((await ask('/shelves/by-id/shelf-of-ben', auditor)).status).toBe(200);
    expect(await ask('/shelves/by-id/shelf-of-ben', token)).toEqual(await ask('/shelves/by-id/no-shelf', token));
  });

  test('no route that forgot to say whose things it is about', async () => {
    expect(await ask('/shelves/unconfined', await tokenOf('ann'))).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect((await ask('/shelves/unconfined', auditor)).status).toBe(200);
  });

  test('and a route that asks for no key takes nobody for one who may see all', async () => {
    expect((await ask('/shelves/public', auditor)).status).toBe(401);
  });

  test('no route of other roles', async () => {
    expect(await ask('/shelves', await tokenOf('ann'), 'POST')).toMatchObject({
      status: 403,
      body: { code: 'forbidden', detail: 'open to: auditor; the key is of: creator' },
    });
  });
});

describe('a creator’s token is worth nothing', () => {
  test('with a changed secret, under another id or in another role: all look like no key at all', async () => {
    const token = await tokenOf('ann');
    const nobody = await ask('/shelves/of/ann', 'none');
    expect(nobody).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    const changed = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
    const unknown = token.replace(/_[0-9a-f]{8}-/, '_00000000-');
    const asAuditor = token.replace('_creator_', '_auditor_');
    const keyAsToken = auditor.replace('_auditor_', '_creator_');
    for (const wrong of [changed, unknown, asAuditor, keyAsToken])
      expect(await ask('/shelves/of/ann', wrong)).toEqual(nobody);
    expect((await ask('/shelves/of/ann', token)).status).toBe(200);
  });

  test('from the moment it expires, though it was seen a moment before', async () => {
    const { token, expiresAt } = await tokens.issue({ creatorId: 'ann', ttlSeconds: 3, issuedBy: publisher.keyId });
    await sleep(expiresAt.getTime() - Date.now() - 1_500);
    expect((await ask('/shelves/of/ann', token)).status).toBe(200);
    await sleep(expiresAt.getTime() - Date.now() + 10);
    expect(await ask('/shelves/of/ann', token)).toEqual(await ask('/shelves/of/ann', 'none'));
  });

  test('seconds after the key that asked for it was revoked', async () => {
    const { keyId } = await keys.create({ role: 'publisher', principal: 'video', source: '/video-platform' });
    const [withdrawn, kept] = [await tokenOf('ann', { issuedBy: keyId }), await tokenOf('ann')];
    expect((await ask('/shelves/of/ann', withdrawn)).status).toBe(200);
    await keys.revoke(keyId);
    await eventually(async () => expect((await ask('/shelves/of/ann', withdrawn)).status).toBe(401), {
      withinMs: 5_000,
    });
    expect((await ask('/shelves/of/ann', kept)).status).toBe(200);
  });
});

describe('of creators’ tokens', () => {
  test('only hashes are kept', async () => {
    const token = await tokenOf('ann');
    const rows = JSON.stringify(
      await db.query(`SELECT *, encode(secret_hash, 'hex') AS hex FROM access.creator_token`),
    );
    expect(rows).toContain(token.split('_')[2]);
    expect(rows).not.toContain(token.split('_')[3]);
  });

  test('the expired ones go, some with each new one, and no other', async () => {
    const valid = await tokenOf('ann', { ttlSeconds: 3_600 });
    await db.query(
      `INSERT INTO access.creator_token (token_id, creator_id, issued_by, secret_hash, expires_at)
       SELECT 'old_' || n, 'ann', $1, decode(repeat('00', 32), 'hex'), clock_timestamp() - interval '1 hour' * n
       FROM generate_series(1, 50) n`,
      [publisher.keyId],
    );
    const left: number[] = [];
    for (let n = 0; n < 4; n++) {
      await tokenOf('ann');
      const [{ expired }] = await db.query(
        `SELECT count(*)::int AS expired FROM access.creator_token WHERE token_id LIKE 'old%'`,
      );
      left.push(expired);
    }
    expect(left).toEqual([30, 10, 0, 0]);
    expect((await ask('/shelves/of/ann', valid)).status).toBe(200);
  });

  test('each is issued for a key that there is', async () => {
    await expect(tokenOf('ann', { issuedBy: 'key_nobody' })).rejects.toThrow('creator_token_issued_by_fkey');
  });
});
