import 'reflect-metadata';
import { ApiKeys, accessMigrations, EdgeAdapter, HttpEdgeModule, type Role } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { giftService } from '../src/gift-service.module.js';
import { type GiftDatabase, giftDatabase } from './gift-database.js';

/** What the server said. */
export interface Answered {
  readonly status: number;
  readonly replayed: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the server says
  readonly body: any;
}

/** Who else has a key: by name, the role, the person, and a publisher's source. */
const people = {
  auditor: ['auditor', 'ann'],
  operator: ['operator', 'nina'],
  'operator ben': ['operator', 'ben'],
  'operator with an accent': ['operator', 'n\u00edna'],
  approver: ['approver', 'omar'],
  'approver olga': ['approver', 'olga'],
  'approver nina': ['approver', 'nina'],
  admin: ['admin', 'adam'],
  'team /live at /video': ['publisher', 'team /live', '/video'],
} as const satisfies Record<string, readonly [Role, string, string?]>;

/** The service over HTTP, on a database of its own, with a publisher's key for every source and those of people. */
export interface GiftServer {
  readonly given: GiftDatabase;
  /**
   * @param as the source of a publisher, or the name of one of `people`; anything else has no key
   * @param body sent as it is when it is a string, else as JSON
   * @param id the Idempotency-Key
   */
  call(method: string, path: string, as: string, body?: unknown, id?: string): Promise<Answered>;
  close(): Promise<void>;
}

export async function giftServer(): Promise<GiftServer> {
  const given = await giftDatabase(accessMigrations);
  @Global()
  @Module({
    providers: [
      { provide: DataSource, useValue: given.db },
      { provide: ENVIRONMENT, useValue: given.environment },
      { provide: EVENT_LOG, useValue: given.log },
    ],
    exports: [DataSource, ENVIRONMENT, EVENT_LOG],
  })
  class GivenModule {}
  @Module({ imports: [GivenModule, HttpEdgeModule, giftService.module] })
  class TestModule {}
  const app = await NestFactory.create(TestModule, new EdgeAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const created = app.get(ApiKeys);
  const keys: Record<string, string> = {};
  for (const source of ['/live', '/video', '/quiet', '/capped', '/nobody'])
    keys[source] = (await created.create({ role: 'publisher', principal: `team ${source}`, source })).key;
  for (const [name, [role, principal, source]] of Object.entries(people))
    keys[name] = (await created.create({ role, principal, ...(source === undefined ? {} : { source }) })).key;
  return {
    given,
    call: async (method, path, as, body, id) => {
      const headers = {
        authorization: `Bearer ${keys[as]}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(id === undefined ? {} : { 'idempotency-key': id }),
      };
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const answer = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: text }) });
      const replayed = answer.headers.get('idempotency-replayed');
      return { status: answer.status, replayed, body: await answer.json() };
    },
    close: async () => {
      await app.close();
      await given.drop();
    },
  };
}
