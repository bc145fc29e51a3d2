import { Id } from '@carat/events';
import {
  Answers,
  type Caller,
  CallerOf,
  IdempotencyKey,
  PageQuery,
  pageOf,
  type Reply,
  Roles,
  readIdCursor,
  told,
} from '@carat/http-edge';
import { Body, Controller, Get, Param, Post, Put, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import { PayoutMethod } from './payout-method.js';
import { PayoutMethods } from './payout-methods.store.js';

const NewMethod = PayoutMethod.pick({ kind: true, label: true });
type NewMethod = z.infer<typeof NewMethod>;

const ListedMethods = z.object({ items: z.array(PayoutMethod), nextCursor: z.string().nullable() });
type ListedMethods = z.infer<typeof ListedMethods>;

/** Where a creator is paid. */
@Controller('v1/creators/:creatorId/payout-methods')
@Roles('creator', 'operator')
export class PayoutMethodsController {
  constructor(private readonly methods: PayoutMethods) {}

  /** Adds a method. It can be used once it has cooled, by the rules in force. */
  @Post()
  @Answers(PayoutMethod, 201)
  async add(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('creatorId', { schema: Id }) creatorId: string,
    @Body({ schema: NewMethod }) body: NewMethod,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<PayoutMethod> {
    const asked = { principal, route: `POST /v1/creators/${creatorId}/payout-methods`, key, body };
    return told(await this.methods.add(asked, creatorId, body), reply);
  }

  /** Makes a method of the creator's own another account, which cools like a new one. */
  @Put(':payoutMethodId')
  @Answers(PayoutMethod)
  change(
    @CallerOf() { principal }: Caller,
    @Param('creatorId', { schema: Id }) creatorId: string,
    @Param('payoutMethodId', { schema: Id }) payoutMethodId: string,
    @Body({ schema: NewMethod }) body: NewMethod,
  ): Promise<PayoutMethod> {
    return this.methods.change(creatorId, payoutMethodId, body, principal);
  }

  /** The creator's own methods, and those of the fake provider. */
  @Get()
  @Answers(ListedMethods)
  async list(
    @Param('creatorId', { schema: Id }) creatorId: string,
    @Query({ schema: PageQuery }) { limit, cursor }: PageQuery,
  ): Promise<ListedMethods> {
    const filters = { list: 'payout-methods', creatorId };
    const found = await this.methods.list(creatorId, limit + 1, readIdCursor(cursor, filters) ?? '');
    return pageOf(found, limit, ({ payoutMethodId }) => [payoutMethodId], filters);
  }
}
