import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { Duration } from './duration.js';
import { type Environment, oidcOf, readEnvironment } from './environment.js';
import type { Service } from './service.js';

class Nothing {}

const service = (name: string, port: number, environment?: Service['environment']): Service => ({
  name,
  port,
  module: Nothing,
  migrations: [],
  ...(environment === undefined ? {} : { environment }),
  reads: [],
  journals: [],
  transforms: [],
});

const gift = service('gift-service', 8081, ({ standalone }) =>
  z.object({
    GIFT_LATENESS: Duration.prefault('7d'),
    SOURCES: standalone ? z.string().default('every') : z.string('expects JSON of the registered sources'),
  }),
);
const payout = service('payout-service', 8083);
const fake: Service = { ...service('fake-provider', 8087), loopbackOnly: true };

const mistakesIn = (services: readonly Service[], variables: Record<string, string>): readonly string[] => {
  const read = readEnvironment(services, variables);
  return 'mistakes' in read ? read.mistakes : [];
};

describe('without a variable set', () => {
  test('standalone runs on one port of this machine, embedded', () => {
    expect(readEnvironment([gift, payout], {})).toMatchObject({
      environment: { PORT: 8080, HOST: '127.0.0.1', CARAT_HOME: '.carat', CARAT_DEMO: true, KAFKA_PARTITIONS: 12 },
    });
  });

  test('a service alone has a port of its own, and what it cannot do without is asked for', () => {
    expect(readEnvironment([payout], {})).toMatchObject({ environment: { PORT: 8083 } });
    expect(mistakesIn([gift], {})).toEqual(['SOURCES is not set: expects JSON of the registered sources']);
    expect(readEnvironment([gift, payout], {})).toMatchObject({ environment: { SOURCES: 'every' } });
  });

  test('an empty one counts as not set', () => {
    expect(readEnvironment([payout], { PORT: '', DATABASE_URL: '', KAFKA_BROKERS: '' })).toMatchObject({
      environment: { PORT: 8083 },
    });
  });
});

test('what is set is parsed, each service’s own variables too', () => {
  const variables = {
    PORT: '9000',
    KAFKA_BROKERS: 'a:9092, [::1]:9093',
    CARAT_DEMO: '0',
    GIFT_LATENESS: '36500d',
    SOURCES: '{}',
  };
  expect(readEnvironment([gift], variables)).toMatchObject({
    environment: {
      PORT: 9000,
      KAFKA_BROKERS: ['a:9092', '[::1]:9093'],
      CARAT_DEMO: false,
      GIFT_LATENESS: 3_153_600_000_000,
    },
  });
});

describe('a malformed value is named, with what is expected, and never repeated', () => {
  test.each([
    ['PORT', '65536'],
    ['PORT', 'http'],
    ['DATABASE_URL', 'mysql://root:hunter2@db/x'],
    ['KAFKA_BROKERS', 'broker-without-port'],
    ['KAFKA_PARTITIONS', '-3'],
    ['KAFKA_DELIVERY', 'exactly-once'],
    ['KAFKA_TOPIC_PREFIX', 'a b'],
    ['KAFKA_SASL_MECHANISM', 'gssapi'],
    ['KAFKA_SSL', 'yes'],
    ['CARAT_DEMO', 'maybe'],
    ['LOG_LEVEL', 'loud'],
    ['GIFT_LATENESS', '7 days'],
    ['OIDC_ISSUER', 'http://id.example'],
    ['OIDC_ISSUER', 'id.example'],
    ['OIDC_ISSUER', 'https://id.example?tenant=a'],
    ['OIDC_ROLES_CLAIM', 'two words'],
    ['OIDC_CREATOR_CLAIM', 'creator id'],
  ])('%s=%s', (name, value) => {
    const mistakes = mistakesIn([gift, payout], { [name]: value });
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(new RegExp(`^${name} is malformed: expects `));
    expect(mistakes[0]).not.toContain(value);
  });

  test('all of them at once', () => {
    expect(mistakesIn([gift], { PORT: 'x', GIFT_LATENESS: 'y' })).toHaveLength(3);
  });
});

describe('values that do not go together', () => {
  test.each(['0.0.0.0', '::', '10.0.0.7', 'carat.example', '127.0.0.1.example'])(
    'HOST=%s is refused while the keys of keys.json are in use',
    (HOST) => {
      expect(mistakesIn([gift, payout], { HOST })).toEqual([
        expect.stringMatching(/^HOST is malformed: expects a loop/),
      ]);
      expect(mistakesIn([payout], { HOST })).toEqual([]);
    },
  );

  test.each(['0.0.0.0', '::', '10.0.0.7', 'carat.example', '127.0.0.1.example'])(
    'HOST=%s is refused while a service runs that nobody else may reach',
    (HOST) => {
      const [mistake, ...others] = mistakesIn([fake], { HOST });
      expect(mistake).toMatch(/^HOST is malformed: expects a loopback address .* while fake-provider runs/);
      expect(others).toEqual([]);
      expect(mistakesIn([payout, fake], { HOST })).toEqual([expect.stringMatching(/keys\.json/), mistake]);
    },
  );

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('HOST=%s is this machine', (HOST) => {
    expect(mistakesIn([gift, payout], { HOST })).toEqual([]);
    expect(mistakesIn([fake], { HOST })).toEqual([]);
  });

  test('a SASL mechanism needs a user and a password', () => {
    const variables = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'ann' };
    expect(mistakesIn([payout], variables)).toHaveLength(1);
    expect(mistakesIn([payout], { ...variables, KAFKA_SASL_PASSWORD: 'x' })).toEqual([]);
  });

  test('an issuer needs the audience that is ours', () => {
    const OIDC_ISSUER = 'https://id.example/realms/a';
    expect(mistakesIn([payout], { OIDC_ISSUER })).toEqual([expect.stringMatching(/^OIDC_AUDIENCE is not set: /)]);
    expect(mistakesIn([payout], { OIDC_ISSUER, OIDC_AUDIENCE: 'carat' })).toEqual([]);
  });
});

describe('tokens of an issuer', () => {
  const oidcIn = (variables: Record<string, string>) =>
    oidcOf((readEnvironment([payout], variables) as { environment: Environment }).environment);

  test('are taken by no default', () => {
    expect(oidcIn({})).toBe(undefined);
    expect(oidcIn({ OIDC_ISSUER: '', OIDC_AUDIENCE: 'carat', OIDC_CREATOR_CLAIM: 'creator_id' })).toBe(undefined);
  });

  test('are read by the claims that are set', () => {
    const variables = { OIDC_ISSUER: 'https://id.example/', OIDC_AUDIENCE: 'carat' };
    const settings = { issuer: 'https://id.example/', audience: 'carat' };
    expect(oidcIn(variables)).toEqual({ ...settings, rolesClaim: 'roles', creatorClaim: undefined });
    const claims = { OIDC_ROLES_CLAIM: 'https://carat.example/roles', OIDC_CREATOR_CLAIM: 'creator_id' };
    expect(oidcIn({ ...variables, ...claims })).toEqual({
      ...settings,
      rolesClaim: 'https://carat.example/roles',
      creatorClaim: 'creator_id',
    });
  });
});
