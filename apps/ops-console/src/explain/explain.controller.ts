import { askedIdOf, EXPLAINED_IDS } from '@carat/audit/asked-id';
import { Explanation } from '@carat/audit/explanation';
import { Answers, type Caller, CallerOf, OwnCreator, Problem, Roles } from '@carat/http-edge';
import { Controller, Get, Param, Req } from '@nestjs/common';
import { Explanations } from './explanations.worker.js';

@Controller('v1/explain')
export class ExplainController {
  constructor(private readonly explanations: Explanations) {}

  /**
   * How a gift, credit, reversal, redemption, payout, adjustment or award came about, step by step. A creator is told
   * of its own alone, and not who else had a part in it.
   */
  @Get(':id')
  @Roles('creator', 'operator', 'approver', 'auditor')
  @Answers(Explanation)
  find(
    @CallerOf() caller: Caller,
    @OwnCreator() _own: string | undefined,
    @Req() { headers }: { readonly headers: { readonly authorization: string } },
    @Param('id') id: string,
  ): Promise<Explanation> {
    const asked = askedIdOf(id);
    if (asked === undefined) throw new Problem('id_not_explained', { detail: `an id is ${EXPLAINED_IDS}` });
    return this.explanations.find(asked, caller, headers.authorization);
  }
}
