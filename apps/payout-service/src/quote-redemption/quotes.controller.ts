import {
  Answers,
  type Caller,
  CallerOf,
  IdempotencyKey,
  OwnCreator,
  Problem,
  type Reply,
  Roles,
  told,
} from '@carat/http-edge';
import { Body, Controller, Post, Res } from '@nestjs/common';
import { GivenQuote, WantedQuote } from './quote-bodies.js';
import { Quotes } from './quotes.store.js';

@Controller('v1/redemption-quotes')
export class QuotesController {
  constructor(private readonly quotes: Quotes) {}

  /**
   * What diamonds would be paid out as, bound to the rate in force now. It holds nothing: that is what a redemption
   * does, which takes the quote up before it expires.
   */
  @Post()
  @Roles('creator', 'operator')
  @Answers(GivenQuote, 201)
  async quote(
    @CallerOf() { principal }: Caller,
    @OwnCreator() own: string | undefined,
    @IdempotencyKey() key: string,
    @Body({ schema: WantedQuote }) body: WantedQuote,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<GivenQuote> {
    if (own !== undefined && own !== body.creatorId) throw new Problem('not_found');
    const asked = { principal, route: 'POST /v1/redemption-quotes', key, body };
    return told(await this.quotes.quote(asked, body), reply);
  }
}
