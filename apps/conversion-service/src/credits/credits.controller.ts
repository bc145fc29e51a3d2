import { type EventLog, findEvent } from '@carat/event-log';
import { creditIdOf, isGiftId, uuidOf } from '@carat/events';
import { Answers, Problem, Roles } from '@carat/http-edge';
import { EVENT_LOG } from '@carat/service-host';
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { Credit, CreditQuery, creditOf } from './credit.js';

const GiftIdParam = z.stringFormat('gift_id', isGiftId);

@Controller('v1/credits')
export class CreditsController {
  constructor(@Inject(EVENT_LOG) private readonly log: EventLog) {}

  /** The credit of one gift. Nothing here knows whose gifts they are, so it is not for publishers. */
  @Get(':giftId')
  @Roles('operator', 'auditor')
  @Answers(Credit)
  async find(
    @Param('giftId', { schema: GiftIdParam }) giftId: string,
    @Query({ schema: CreditQuery }) { creatorId, since }: CreditQuery,
  ): Promise<Credit> {
    const eventId = uuidOf(creditIdOf(giftId));
    const where = { topic: 'diamond.events.v1', key: creatorId, sinceMs: Date.parse(since), naming: eventId } as const;
    const found = await findEvent(this.log, where, ({ id }) => id === eventId);
    if (found?.type !== 'carat.diamonds.credited.v1' || found.data.creatorId !== creatorId)
      throw new Problem('credit_not_found');
    return creditOf(found);
  }
}
