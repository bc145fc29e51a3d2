import 'reflect-metadata';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { eventually, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Body, Controller, Get, Global, Module, Param, Post, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import {
  ApiKeys,
  accessMigrations,
  type Caller,
  CallerOf,
  EdgeAdapter,
  HttpEdgeModule,
  IdempotencyKey,
  PageQuery,
  Public,
  Roles,
  TakesCsv,
  TakesSignedText,
} from './index.js';

const Thing = z.object({ quantity: z.int().min(1) });

@Controller('things')
class ThingsController {
  @Post()
  @Roles('publisher')
  make(@Body({ schema: Thing }) thing: object, @CallerOf() caller: Caller, @IdempotencyKey() key: string): object {
    return { thing, caller, key };
  }

  @Get()
  @Roles('publisher', 'auditor')
  list(@Query({ schema: PageQuery }) page: object): object {
    return page;
  }

  @Get('open')
  @Public()
  open(): object {
    return { open: true };
  }

  @Get('undeclared')
  undeclared(): object {
    return { leaked: true };
  }

  @Get('broken')
  @Public()
  broken(): object {
    throw new Error('password=hunter2');
  }

  @Post('signed')
  @Public()
  @TakesSignedText()
  signed(@Body({ schema: z.object({ text: z.string() }) }) body: object): object {
    return body;
  }

  @Post('csv')
  @Public()
  @TakesCsv()
  csv(@Body({ schema: z.object({ text: z.string() }) }) { text: given }: { text: string }): object {
    return { characters: given.length, first: given.slice(0, 20) };
  }

  @Get(':id')
  @Roles('publisher')
  one(@Param('id', { schema: z.string().max(8) }) id: string): object {
    return { id };
  }
}

let database: TestDatabase;
let db: DataSource;
let app: NestFastifyApplication;
let keys: ApiKeys;
let publisher: { keyId: string; key: string };
let auditor: { keyId: string; key: string };

beforeAll(async () => {
  database = await freshDatabase();
  db = await new DataSource({ type: 'postgres', url: database.url, migrations: accessMigrations }).initialize();
  await db.runMigrations();

  @Global()
  @Module({ providers: [{ provide: DataSource, useValue: db }], exports: [DataSource] })
  class DatabaseModule {}
  @Module({ imports: [DatabaseModule, HttpEdgeModule], controllers: [ThingsController] })
  class TestModule {}

  app = await NestFactory.create<NestFastifyApplication>(TestModule, new EdgeAdapter(), { logger: false });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  keys = app.get(ApiKeys);
  publisher = await keys.create({ role: 'publisher', principal: 'live', source: '/live-platform' });
  auditor = await keys.create({ role: 'auditor', principal: 'ann' });
}, 60_000);

afterAll(async () => {
  await app?.close();
  await db?.destroy();
  await database?.drop();
});

const ask = async (
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  { key, body, headers = {} }: { key?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Record<string, unknown> }> => {
  const answer = await app.inject({
    method,
    url,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
};

const post = (body: string, headers: Record<string, string> = {}) =>
  ask('POST', '/things', { key: publisher.key, body, headers: { 'idempotency-key': 'k-1', ...headers } });

describe('who may come in', () => {
  test('a key of the right role, and the route knows whose it is', async () => {
    expect(await post('{"quantity":2}')).toMatchObject({
      status: 201,
      body: {
        thing: { quantity: 2 },
        caller: { keyId: publisher.keyId, role: 'publisher', principal: 'live', source: '/live-platform' },
        key: 'k-1',
      },
    });
  });

  test('everyone where it says so, and nobody where it says nothing', async () => {
    expect(await ask('GET', '/things/open')).toMatchObject({ status: 200 });
    expect(await ask('GET', '/things/undeclared', { key: publisher.key })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
  });

  test('no key, no such key, a wrong secret and another role in its name look the same', async () => {
    const wrongSecret = `${publisher.key.slice(0, -1)}${publisher.key.endsWith('0') ? '1' : '0'}`;
    const pretender = auditor.key.replace('_auditor_', '_publisher_');
    const unknown = publisher.key.replace(/_[0-9a-f]{8}-/, '_00000000-');
    for (const key of [undefined, 'carat_publisher_x_y', wrongSecret, pretender, unknown]) {
      const answer = await ask('GET', '/things', key === undefined ? {} : { key });
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
  });

  test('a role that the route does not name is refused', async () => {
    expect(await ask('GET', '/things/a', { key: auditor.key })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
  });

  test('a key revoked elsewhere is out within seconds', async () => {
    const { keyId, key } = await keys.create({ role: 'auditor', principal: 'bob' });
    expect((await ask('GET', '/things', { key })).status).toBe(200);
    expect(await new ApiKeys(db).revoke(keyId)).toBe(true);
    await eventually(async () => expect((await ask('GET', '/things', { key })).status).toBe(401), { withinMs: 5_000 });
  });

  test('only hashes of secrets are kept', async () => {
    const rows = JSON.stringify(await db.query(`SELECT *, encode(secret_hash, 'hex') AS hex FROM access.api_key`));
    expect(rows).not.toContain(publisher.key.split('_')[3]);
    expect(await keys.revoke('key_nobody')).toBe(false);
  });

  test('a publisher without a source cannot be made', async () => {
    await expect(keys.create({ role: 'publisher', principal: 'live' })).rejects.toThrow(
      'api_key_publisher_source_check',
    );
  });
});

describe('what is refused', () => {
  test('quantities that are none, with the field', async () => {
    for (const quantity of ['-1', '0', '1.5', '"1e3"', '9007199254740992']) {
      const answer = await post(`{"quantity":${quantity}}`);
      expect(answer).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ pointer: '/quantity' }] },
      });
    }
  });

  test('bodies that are not JSON, too deep, too large, of another type, or not there', async () => {
    const deep = `${'['.repeat(33)}${']'.repeat(33)}`;
    const large = JSON.stringify({ quantity: 1, padding: 'x'.repeat(1.5 * 1024 * 1024) });
    expect(await post('{"quantity":NaN}')).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
    expect(await post(deep)).toMatchObject({ status: 400, body: { code: 'too_deep' } });
    expect(await post(large)).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    expect(await post('quantity=1', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
      status: 415,
      body: { code: 'unsupported_media_type' },
    });
    expect(await ask('POST', '/things', { key: publisher.key, headers: { 'idempotency-key': 'k' } })).toMatchObject({
      status: 422,
      body: { code: 'invalid_request' },
    });
  });

  test('requests that move value without a good Idempotency-Key', async () => {
    const body = '{"quantity":1}';
    expect(await ask('POST', '/things', { key: publisher.key, body })).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_missing' },
    });
    expect(await post(body, { 'idempotency-key': 'ä'.repeat(3) })).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_malformed' },
    });
    expect(await post(body, { 'idempotency-key': 'x'.repeat(129) })).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_malformed' },
    });
  });

  test('paths and methods that there are not', async () => {
    expect(await ask('GET', '/nothing')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const put = await ask('PUT', '/things', { body: '{}' });
    expect(put).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(put.headers['allow']).toBe('GET, HEAD, POST');
    expect(await ask('GET', '/things/%zz')).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });

  test('queries and paths by their schemas', async () => {
    expect(await ask('GET', '/things?limit=201', { key: publisher.key })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/limit' }] },
    });
    expect(await ask('GET', '/things/much-too-long', { key: publisher.key })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/id' }] },
    });
  });
});

describe('an answer that is a problem', () => {
  test('is problem+json and carries the trace of the request', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const answer = await ask('GET', '/nothing', { headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` } });
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ traceId: trace, type: 'urn:carat:problem:not_found', retryable: false });
    expect((await ask('GET', '/nothing')).body['traceId']).toMatch(/^[0-9a-f]{32}$/);
  });

  test.each([
    ['a path too long for a request', 431, 'headers_too_large', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`],
    ['what is no request', 400, 'bad_request', 'HELLO\r\n\r\n'],
  ])('is one for %s, too: %d, and the end of the connection', async (_, status, code, bytes) => {
    if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const answer = await text(connect(port, '127.0.0.1').end(bytes));
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain('content-type: application/problem+json');
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
    expect(JSON.parse(body)).toMatchObject({ status, code, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  test('is there for whoever sends too much, however slowly, once all of it was sent', async () => {
    if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const piece = 'x'.repeat(256 * 1024);
    const socket = connect(port, '127.0.0.1');
    const answer = text(socket);
    const head = ['POST /things HTTP/1.1', 'host: carat', 'content-type: application/json'];
    socket.write(`${[...head, `content-length: ${8 * piece.length}`].join('\r\n')}\r\n\r\n`);
    for (let sent = 0; sent < 8; sent++) {
      await sleep(20);
      await promisify<string, void>(socket.write.bind(socket))(piece);
    }
    expect(await answer).toMatch(/^HTTP\/1.1 413 .*"body_too_large"/s);
  });

  test('tells nothing of a fault of ours', async () => {
    const answer = await ask('GET', '/things/broken');
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal', retryable: true } });
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });
});

test('a field called __proto__ is inert', async () => {
  const answer = await post('{"quantity":1,"__proto__":{"role":"admin"}}');
  expect(answer).toMatchObject({ status: 201, body: { thing: { quantity: 1 }, caller: { role: 'publisher' } } });
  expect(({} as { role?: string }).role).toBe(undefined);
});

describe('a route that takes its body as a text', () => {
  const send = async (path: string, type: string, payload: string) => {
    const answer = await app.inject({
      method: 'POST',
      url: `/things/${path}`,
      headers: { 'content-type': type },
      payload,
    });
    return [answer.statusCode, answer.statusCode < 300 ? answer.json() : answer.json().code];
  };

  test('is handed signed JSON to the byte, whatever is in it', async () => {
    for (const payload of ['{ "a" : 1.0 , "__proto__": {} }', 'no JSON', '']) {
      expect(await send('signed', 'application/json', payload)).toEqual([201, { text: payload }]);
    }
  });

  test('is handed a CSV file of many megabytes, and nothing else; no other route takes one', async () => {
    const rows = 'line,amount\n'.repeat(500_000);
    expect(await send('csv', 'text/csv', rows)).toEqual([201, { characters: rows.length, first: rows.slice(0, 20) }]);
    expect(await send('csv', 'text/csv; charset=utf-8', 'a\n')).toEqual([201, { characters: 2, first: 'a\n' }]);
    expect(await send('csv', 'application/json', '{"text":"a"}')).toEqual([415, 'unsupported_media_type']);
    expect(await send('signed', 'text/csv', 'a,b')).toEqual([415, 'unsupported_media_type']);
    expect(await send('csv', 'text/csv', 'x'.repeat(33 * 1024 * 1024))).toEqual([413, 'body_too_large']);
  });
});
