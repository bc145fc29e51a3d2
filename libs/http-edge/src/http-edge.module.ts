import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { ApiKeys } from './api-keys.store.js';
import { KeyGuard } from './auth.controller.js';
import { CreatorTokens } from './creator-tokens.store.js';
import { IdempotentRequests } from './idempotent-requests.store.js';
import type { OidcSettings } from './issued-token.js';
import { OidcIssuer } from './oidc-issuer.worker.js';
import { ProblemFilter } from './problem.controller.js';
import { SchemaPipe } from './schema-pipe.controller.js';

/** Guards, parses and answers for every route of the application it is imported into. Needs a global DataSource. */
@Global()
@Module({
  providers: [
    ApiKeys,
    CreatorTokens,
    IdempotentRequests,
    { provide: APP_GUARD, useClass: KeyGuard },
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_PIPE, useClass: SchemaPipe },
  ],
  exports: [ApiKeys, CreatorTokens, IdempotentRequests],
})
export class HttpEdgeModule {
  /** With tokens of an issuer beside API keys; without settings, or imported as it is, API keys alone. */
  static with(oidc: OidcSettings | undefined): DynamicModule {
    const issuer = oidc === undefined ? [] : [{ provide: OidcIssuer, useFactory: () => new OidcIssuer(oidc) }];
    return { module: HttpEdgeModule, providers: issuer };
  }
}
