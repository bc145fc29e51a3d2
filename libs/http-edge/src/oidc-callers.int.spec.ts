import 'reflect-metadata';
import { freshDatabase, openTokenIssuer, type SigningKey, type TestDatabase, type TokenIssuer } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Controller, type DynamicModule, Get, Global, Module, Param, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
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
  Public,
  Roles,
} from './index.js';

@Controller('doors')
class DoorsController {
  @Get('operators')
  @Roles('operator')
  operators(@CallerOf() caller: Caller): object {
    return caller;
  }

  @Get('approvers')
  @Roles('approver')
  approvers(@CallerOf() caller: Caller): object {
    return caller;
  }

  @Get('all')
  @Roles('publisher', 'approver', 'operator', 'auditor', 'admin')
  all(@CallerOf() caller: Caller): object {
    return caller;
  }

  @Get('publishers')
  @Roles('publisher')
  publishers(@CallerOf() caller: Caller): object {
    return caller;
  }

  @Get('of/:creatorId')
  @Roles('creator', 'operator')
  ofCreator(@Param('creatorId') creatorId: string, @CallerOf() caller: Caller): object {
    return { creatorId, caller };
  }

  @Get('own')
  @Roles('creator', 'operator')
  own(@OwnCreator() own: string | undefined): object {
    return { own };
  }

  @Get('unconfined')
  @Roles('creator', 'operator')
  unconfined(): object {
    return {};
  }

  @Get('open')
  @Public()
  open(): object {
    return {};
  }
}

let database: TestDatabase;
let db: DataSource;
let issuer: TokenIssuer;
let key: SigningKey;
let app: NestFastifyApplication;
let withoutIssuer: NestFastifyApplication;

async function appOf(edge: DynamicModule | Type): Promise<NestFastifyApplication> {
  @Global()
  @Module({ providers: [{ provide: DataSource, useValue: db }], exports: [DataSource] })
  class DatabaseModule {}
  @Module({ imports: [DatabaseModule, edge], controllers: [DoorsController] })
  class TestModule {}
  const started = await NestFactory.create<NestFastifyApplication>(TestModule, new EdgeAdapter(), { logger: false });
  await started.init();
  await started.getHttpAdapter().getInstance().ready();
  return started;
}

const settings = () => ({
  issuer: issuer.url,
  audience: issuer.audience,
  rolesClaim: 'roles',
  creatorClaim: 'creator_id',
});

beforeAll(async () => {
  database = await freshDatabase();
  db = await new DataSource({ type: 'postgres', url: database.url, migrations: accessMigrations }).initialize();
  await db.runMigrations();
  issuer = await openTokenIssuer();
  key = await issuer.addKey('ES256');
  app = await appOf(HttpEdgeModule.with(settings()));
  withoutIssuer = await appOf(HttpEdgeModule);
}, 60_000);

afterAll(async () => {
  await app?.close();
  await withoutIssuer?.close();
  await issuer?.stop().catch(() => undefined);
  await db?.destroy();
  await database?.drop();
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}
const ask = async (path: string, bearer: string, of = app): Promise<Answer> => {
  const answer = await of.inject({ url: path, headers: { authorization: `Bearer ${bearer}` } });
  const { traceId: _, ...body } = answer.json();
  return { status: answer.statusCode, body };
};
const tokenWith = (claims: object) => key.sign({ sub: 'alice', ...claims });

describe('a token of the issuer', () => {
  test('is its person, who is the principal of their keys, in the roles that it names', async () => {
    const token = await tokenWith({ roles: ['operator'] });
    const caller = { keyId: 'oidc', principal: 'alice', role: 'operator' };
    expect(await ask('/doors/operators', token)).toEqual({ status: 200, body: caller });
    const ofKey = (await app.get(ApiKeys).create({ role: 'operator', principal: 'alice' })).key;
    expect((await ask('/doors/operators', ofKey)).body).toMatchObject({ principal: 'alice', role: 'operator' });
  });

  test('acts at each route in the first of its roles that the route names', async () => {
    const token = await tokenWith({ roles: 'openid carat:operator carat:approver' });
    const roleAt = async (path: string) => (await ask(path, token)).body['role'];
    expect([await roleAt('/doors/operators'), await roleAt('/doors/approvers')]).toEqual(['operator', 'approver']);
    expect(await roleAt('/doors/all')).toBe('approver');
  });

  test('opens no route of other roles, and publishers are keys', async () => {
    expect(await ask('/doors/approvers', await tokenWith({ roles: ['operator', 'auditor'] }))).toMatchObject({
      status: 403,
      body: { code: 'forbidden', detail: 'open to: approver; the key is of: operator, auditor' },
    });
    for (const roles of [['publisher'], [], ['creator'], undefined])
      expect(await ask('/doors/publishers', await tokenWith({ roles }))).toMatchObject({
        status: 403,
        body: { code: 'forbidden', detail: 'open to: publisher; the key is of: no role' },
      });
  });

  test('looks like no key at all when it is worth nothing', async () => {
    const nobody = await ask('/doors/operators', 'none');
    expect(nobody).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    const roles = ['operator'];
    const token = await tokenWith({ roles });
    const worthless = [
      await tokenWith({ roles, aud: 'https://other.example' }),
      await tokenWith({ roles, exp: Math.floor(Date.now() / 1_000) - 60 }),
      await key.sign({ sub: 'alice', roles }, { kid: 'key-of-nobody' }),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`,
      token.slice(0, -2),
    ];
    for (const bearer of worthless) expect(await ask('/doors/operators', bearer)).toEqual(nobody);
    expect((await ask('/doors/operators', token)).status).toBe(200);
  });

  test('is nothing where no issuer is set', async () => {
    const token = await tokenWith({ roles: ['operator'] });
    expect(await ask('/doors/operators', token, withoutIssuer)).toMatchObject({ status: 401 });
    const off = await appOf(HttpEdgeModule.with(undefined));
    expect(await ask('/doors/operators', token, off)).toMatchObject({ status: 401 });
    await off.close();
  });
});

describe('a token with a creator’s id', () => {
  test('is that creator’s, and opens what a creator’s token opens', async () => {
    const token = await tokenWith({ creator_id: 'ann' });
    const caller = { keyId: 'oidc', principal: 'alice', role: 'creator', creatorId: 'ann' };
    expect(await ask('/doors/of/ann', token)).toEqual({ status: 200, body: { creatorId: 'ann', caller } });
    expect(await ask('/doors/own', token)).toEqual({ status: 200, body: { own: 'ann' } });
    expect(await ask('/doors/unconfined', token)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  test('opens nothing of another creator, who looks like a path that there is not', async () => {
    const { keyId } = await app.get(ApiKeys).create({ role: 'publisher', principal: 'live', source: '/live-platform' });
    const { token: ofPublisher } = await app
      .get(CreatorTokens)
      .issue({ creatorId: 'ann', ttlSeconds: 60, issuedBy: keyId });
    const nothing = await ask('/nothing', ofPublisher);
    expect(nothing).toMatchObject({ status: 404, body: { code: 'not_found' } });
    for (const bearer of [await tokenWith({ creator_id: 'ann' }), ofPublisher])
      for (const other of ['ben', 'ANN', 'alice', 'ann%20', '%2561nn'])
        expect([other, await ask(`/doors/of/${other}`, bearer)]).toEqual([other, nothing]);
  });

  test('is of no staff, whatever roles it names', async () => {
    const token = await tokenWith({ creator_id: 'ann', roles: ['operator', 'approver', 'auditor', 'admin'] });
    for (const path of ['/doors/operators', '/doors/approvers', '/doors/all'])
      expect(await ask(path, token)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await ask('/doors/of/ben', token)).status).toBe(404);
    expect(await ask('/doors/operators', await tokenWith({ creator_id: '', roles: ['operator'] }))).toMatchObject({
      status: 401,
    });
  });
});

test('an issuer that is down makes tokens unavailable, and keys go on', async () => {
  const token = await tokenWith({ roles: ['operator'] });
  const { key: ofKey } = await app.get(ApiKeys).create({ role: 'operator', principal: 'alice' });
  await issuer.stop();
  const restarted = await appOf(HttpEdgeModule.with(settings()));
  expect(await ask('/doors/operators', token, restarted)).toMatchObject({
    status: 503,
    body: { code: 'unavailable', retryable: true },
  });
  expect((await ask('/doors/operators', ofKey, restarted)).status).toBe(200);
  expect((await ask('/doors/open', token, restarted)).status).toBe(200);
  await restarted.close();
  await issuer.start();
});
