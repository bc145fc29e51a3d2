import type { Socket } from 'node:net';
import { Id } from '@carat/events';
import { Answers, IdempotencyKey, PageQuery, Problem, pageOf, type Reply, readCursor } from '@carat/http-edge';
import { Body, Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { z } from 'zod';
import { TakesProviderKey } from '../provider-key.controller.js';
import { HeldCalls } from './held-calls.worker.js';
import { Payout, PayoutRequest } from './payout.js';
import { Payouts } from './payouts.store.js';

const REPLAYED = { 'idempotency-replayed': 'true' };
const FILTERS = { list: 'fake-provider-payouts' };

const ListedPayouts = z.object({ items: z.array(Payout), nextCursor: z.string().nullable() });
type ListedPayouts = z.infer<typeof ListedPayouts>;

/** What a provider answers when it breaks after it has accepted. */
const Broken = z.object({ code: z.literal('internal'), detail: z.string() });
type Broken = z.infer<typeof Broken>;

/** Payouts, one per Idempotency-Key for ever. */
@Controller('fake-provider/v1/payouts')
@TakesProviderKey()
export class PayoutsController {
  constructor(
    private readonly payouts: Payouts,
    private readonly heldCalls: HeldCalls,
  ) {}

  /**
   * Asks for a payout; the Idempotency-Key is its payoutId. The same key and body again: 200 with the payout as it is
   * now; another body: 409. README.md of the fake provider has the tables of what goes wrong on purpose.
   */
  @Post()
  @Answers(Payout, 201)
  @Answers(Payout, 200)
  @Answers(Broken, 500)
  async ask(
    @IdempotencyKey() key: string,
    @Body({ schema: PayoutRequest }) body: PayoutRequest,
    @Req() { raw }: { readonly raw: { readonly socket: Socket } },
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Payout | Broken> {
    if (key !== body.payoutId) throw new Problem('idempotency_key_mismatch');
    const answer = await this.payouts.ask(body);
    switch (answer.kind) {
      case 'turned_away':
        throw new Problem(answer.problem, { headers: { 'retry-after': '1' } });
      case 'conflict':
        throw new Problem('idempotency_conflict');
      case 'refused':
        throw new Problem('payout_refused', answer.isReplayed ? { headers: REPLAYED } : {});
      case 'replayed':
        reply.status(200);
        reply.header('idempotency-replayed', 'true');
        return answer.payout;
      case 'error':
        reply.status(500);
        return { code: 'internal', detail: 'the payout was accepted, and the answer is lost on purpose' };
      case 'nothing':
        await this.heldCalls.hold(raw.socket, answer.holdOpenMs);
        return answer.payout;
      case 'payout':
        return answer.payout;
      default:
        return answer satisfies never;
    }
  }

  @Get(':payoutId')
  @Answers(Payout)
  async find(@Param('payoutId', { schema: Id }) payoutId: string): Promise<Payout> {
    const payout = await this.payouts.find(payoutId);
    if (payout === undefined) throw new Problem('payout_not_found');
    return payout;
  }

  /** Every payout that was accepted, in the order of their ids. */
  @Get()
  @Answers(ListedPayouts)
  async list(@Query({ schema: PageQuery }) { limit, cursor }: PageQuery): Promise<ListedPayouts> {
    const [after = ''] = readCursor(cursor, FILTERS) ?? [];
    // A cursor is no secret, so what it holds may be anything.
    if (after !== '' && !Id.safeParse(after).success) throw new Problem('cursor_invalid');
    return pageOf(await this.payouts.list(limit + 1, after), limit, ({ payoutId }) => [payoutId], FILTERS);
  }
}
