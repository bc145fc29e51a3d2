import { Answers, type Caller, CallerOf, Problem, Roles } from '@carat/http-edge';
import { Controller, Get, Query } from '@nestjs/common';
import { DecidedRequest, RequestQuery } from './decided-request.js';
import { DecidedRequests } from './decided-requests.store.js';

@Controller('v1/requests')
export class DecidedRequestsController {
  constructor(private readonly requests: DecidedRequests) {}

  /** What became here of one upstream event, and where the log says so. A publisher asks for its own source. */
  @Get()
  @Roles('publisher', 'operator', 'auditor')
  @Answers(DecidedRequest)
  async find(
    @CallerOf() caller: Caller,
    @Query({ schema: RequestQuery }) asked: RequestQuery,
  ): Promise<DecidedRequest> {
    const mayAsk = caller.role !== 'publisher' || caller.source === asked.source;
    const found = mayAsk ? await this.requests.find(asked) : undefined;
    if (found === undefined) throw new Problem('receipt_not_found');
    return found;
  }
}
