import { Id, Time } from '@carat/events';
import { Answers, type Caller, CallerOf, CreatorTokens, Roles } from '@carat/http-edge';
import { Body, Controller, Header, Post } from '@nestjs/common';
import { z } from 'zod';

const LONGEST_TTL_SECONDS = 3_600;

const WantedToken = z.object({ creatorId: Id, ttlSeconds: z.int().min(1).max(LONGEST_TTL_SECONDS) });
type WantedToken = z.infer<typeof WantedToken>;

const CreatorToken = z.object({
  token: z.string().meta({ description: 'the bearer, shown this once' }),
  creatorId: Id,
  expiresAt: Time,
});
type CreatorToken = z.infer<typeof CreatorToken>;

/** How a creator gets in: a publisher, who knows its creators, asks for a token and hands it to the creator's app. */
@Controller('v1/creator-tokens')
export class CreatorTokensController {
  constructor(private readonly tokens: CreatorTokens) {}

  /**
   * Makes a bearer for what is this creator's own. Every request makes another one; it ends with its time, or with the
   * key that asked for it.
   */
  @Post()
  @Roles('publisher')
  @Header('cache-control', 'no-store')
  @Answers(CreatorToken, 201)
  async issue(
    @CallerOf() { keyId: issuedBy }: Caller,
    @Body({ schema: WantedToken }) { creatorId, ttlSeconds }: WantedToken,
  ): Promise<CreatorToken> {
    const { token, expiresAt } = await this.tokens.issue({ creatorId, ttlSeconds, issuedBy });
    return { token, creatorId, expiresAt: expiresAt.toISOString() };
  }
}
