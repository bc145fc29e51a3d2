import { Id } from '@carat/events';
import { Answers, type Caller, CallerOf, Problem, Roles } from '@carat/http-edge';
import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { Eligibility, EligibilityBody } from './eligibility.js';
import { Eligibilities } from './eligibility.store.js';

/** Whether a creator may be paid: of age, with a tax form, and not stopped. */
@Controller('v1/creators/:creatorId/eligibility')
export class EligibilityController {
  constructor(private readonly eligibilities: Eligibilities) {}

  /** Says it anew, all of it. */
  @Put()
  @Roles('operator')
  @Answers(Eligibility)
  set(
    @CallerOf() { principal }: Caller,
    @Param('creatorId', { schema: Id }) creatorId: string,
    @Body({ schema: EligibilityBody }) body: EligibilityBody,
  ): Promise<Eligibility> {
    return this.eligibilities.set(creatorId, body, principal);
  }

  /** What is in force. */
  @Get()
  @Roles('operator', 'approver', 'auditor')
  @Answers(Eligibility)
  async find(@Param('creatorId', { schema: Id }) creatorId: string): Promise<Eligibility> {
    const found = await this.eligibilities.find(creatorId);
    if (found === undefined) throw new Problem('eligibility_not_found');
    return found;
  }
}
