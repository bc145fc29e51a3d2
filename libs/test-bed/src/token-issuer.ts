import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';
import { freePort } from './processes.js';

const AUDIENCE = 'https://carat.example';
const GOOD_FOR_SECONDS = 300;

/** A key of an issuer, and tokens that it signs. */
export interface SigningKey {
  /** What the issuer publishes of it. */
  readonly jwk: JWK;
  /** A token for Carat, good for five minutes, unless the claims say otherwise; undefined takes one away. */
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** An issuer of tokens (OpenID Connect) on this machine: what those see of it who take its tokens. */
export interface TokenIssuer {
  readonly url: string;
  readonly audience: string;
  /** The keys it tells at the moment. */
  readonly published: JWK[];
  /** The paths it was asked for. */
  readonly asked: string[];
  /** Answers in its place, when it is to misbehave. */
  answers: ((path: string, response: ServerResponse) => void) | undefined;
  /** Makes a key and publishes it. */
  addKey(alg?: string): Promise<SigningKey>;
  /** Goes away: nothing listens any more. */
  stop(): Promise<void>;
  /** Comes back where it was. */
  start(): Promise<void>;
}

/** Starts an issuer without a key. */
export async function openTokenIssuer(): Promise<TokenIssuer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/realms/carat`;
  const documents: Record<string, () => object> = {
    '/realms/carat/.well-known/openid-configuration': () => ({ issuer: url, jwks_uri: `${url}/keys` }),
    '/realms/carat/keys': () => ({ keys: issuer.published }),
  };
  const server = createServer(({ url: path = '' }, response) => {
    issuer.asked.push(path);
    if (issuer.answers !== undefined) issuer.answers(path, response);
    else response.writeHead(path in documents ? 200 : 404).end(JSON.stringify(documents[path]?.()));
  });
  const issuer: TokenIssuer = {
    url,
    audience: AUDIENCE,
    published: [],
    asked: [],
    answers: undefined,
    addKey: async (alg = 'RS256') => {
      const key = await signingKey(alg, url);
      issuer.published.push(key.jwk);
      return key;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
    start: async () => {
      // A test that fails on its way to `stop` is to end red, and not to hang.
      await once(server.listen(port, '127.0.0.1').unref(), 'listening');
    },
  };
  await issuer.start();
  return issuer;
}

let keys = 0;

async function signingKey(alg: string, iss: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const kid = `key-${++keys}`;
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (claims, header) => {
      const now = Math.floor(Date.now() / 1_000);
      const payload = { iss, aud: AUDIENCE, iat: now, exp: now + GOOD_FOR_SECONDS, ...claims };
      return new SignJWT(payload).setProtectedHeader({ alg, kid, ...header } as JWTHeaderParameters).sign(privateKey);
    },
  };
}
