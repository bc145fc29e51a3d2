import { Logger } from '@nestjs/common';
import { type CryptoKey, createRemoteJWKSet, customFetch, errors, type FetchImplementation, jwtVerify } from 'jose';
import { z } from 'zod';
import type { KnownCaller } from './api-key.js';
import { discoveryOf, holderOf, isTamperProof, type OidcSettings, opensThings } from './issued-token.js';
import { Problem } from './problems.js';

// Signatures that only the issuer can make. With a secret shared by both sides, whoever knows a public key could sign.
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
const CLOCK_TOLERANCE_SECONDS = 10;
const KEYS_KEPT_MS = 10 * 60_000;
const UNKNOWN_KEY_ASKED_FOR_EVERY_MS = 30_000;
const ISSUER_ANSWERS_WITHIN_MS = 3_000;
const FAILURE_KEPT_MS = 2_000;

type PublishedKey = ReturnType<typeof createRemoteJWKSet>;

const Discovery = z.object({
  issuer: z.string(),
  jwks_uri: z.string().refine(isTamperProof, 'expects https, or http on this machine'),
});
const KeySet = z.object({ keys: z.array(z.looseObject({})) });

/** The one issuer whose tokens are taken beside API keys, by the keys that it publishes. */
export class OidcIssuer {
  private readonly logger = new Logger('oidc');
  private failure: { readonly error: unknown; readonly untilMs: number } | undefined;
  /** Asks for the issuer's keys when it has none, when they are old, and now and then for one it does not know. */
  private readonly publishedKey: PublishedKey;

  constructor(private readonly settings: OidcSettings) {
    this.publishedKey = createRemoteJWKSet(new URL(discoveryOf(settings.issuer)), {
      cacheMaxAge: KEYS_KEPT_MS,
      cooldownDuration: UNKNOWN_KEY_ASKED_FOR_EVERY_MS,
      timeoutDuration: ISSUER_ANSWERS_WITHIN_MS,
      [customFetch]: (discovery, options) => this.publishedKeys(discovery, options),
    });
  }

  /**
   * The holder of a token, or undefined: a token that is forged, for others, expired, not yet good or of nobody looks
   * the same.
   * @throws Problem `unavailable` when the issuer's keys are needed and cannot be had
   */
  async verify(jwt: string): Promise<KnownCaller | undefined> {
    const { issuer, audience } = this.settings;
    try {
      const { payload, protectedHeader } = await jwtVerify(jwt, (header, token) => this.keyOf(header, token), {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp'],
      });
      return opensThings(protectedHeader.typ) ? holderOf(payload, this.settings) : undefined;
    } catch (error) {
      // What jose finds wrong with a token says in which claim, and carries all of them: it goes nowhere.
      if (error instanceof errors.JOSEError) return undefined;
      throw error instanceof Problem ? error : this.withoutKey(error);
    }
  }

  private async keyOf(...[header, token]: Parameters<PublishedKey>): Promise<CryptoKey> {
    try {
      return await this.publishedKey(header, token);
    } catch (error) {
      // That a token names no key of the issuer is the token's fault, anything else the issuer's.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw this.withoutKey(error);
    }
  }

  /** The reason is for the log: it is about the issuer, and nothing of a token is in it. */
  private withoutKey(err: unknown): Problem {
    const problem = new Problem('unavailable', { detail: 'the issuer of tokens does not tell its keys' });
    this.logger.warn({ msg: problem.message, err });
    return problem;
  }

  /**
   * The issuer's keys, by way of its discovery document so that they may move. A failure is kept for a moment: tokens
   * are presented by anybody, and an issuer in trouble is not to be asked once for each of them.
   */
  private async publishedKeys(...[discovery, options]: Parameters<FetchImplementation>): Promise<Response> {
    if (this.failure !== undefined && Date.now() < this.failure.untilMs) throw this.failure.error;
    try {
      const { issuer, jwks_uri } = Discovery.parse(await jsonAt(discovery, options));
      if (issuer !== this.settings.issuer) throw new Error(`${discovery} is the document of another issuer`);
      return Response.json(KeySet.parse(await jsonAt(jwks_uri, options)));
    } catch (error) {
      this.failure = { error, untilMs: Date.now() + FAILURE_KEPT_MS };
      throw error;
    }
  }
}

async function jsonAt(...[url, options]: Parameters<FetchImplementation>): Promise<unknown> {
  const answer = await fetch(url, options);
  if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}`);
  return answer.json();
}
