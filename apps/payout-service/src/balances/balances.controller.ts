import { Id, isGiftId, UtcTime } from '@carat/events';
import { Answers, PageQuery, Problem, pageOf, Roles, readCursor } from '@carat/http-edge';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { Balance, BookedTransfer } from './balance.js';
import { balancePositionIn } from './balance-position.js';
import { Balances } from './balances.store.js';
import { BalancesAsOf } from './balances-as-of.store.js';

const LONGEST_WAIT_MS = 2_000;

// A moment whose name is misspelled would be answered by another balance.
const BalanceQuery = z
  .strictObject({
    after: z
      .stringFormat('gift_id', isGiftId)
      .optional()
      .meta({ description: 'a gift: waits up to 2 s until its credit is booked' }),
    asOf: UtcTime.optional().meta({
      description: 'a time of the log: the balance of everything that was recorded before it; not with the others',
    }),
    atPosition: z
      .stringFormat('balance_position', (text) => balancePositionIn(text) !== undefined)
      .optional()
      .meta({
        description:
          'a position of the log, as `topic/partition:nextOffset` of diamond.events.v1, award.events.v1 and ' +
          'redemption.events.v1 with commas between; not with the others',
      }),
  })
  .check(({ value, issues }) => {
    const [, ...more] = Object.keys(value);
    for (const name of more)
      issues.push({ code: 'custom', path: [name], input: value, message: 'asks for another balance, too' });
  });
type BalanceQuery = z.infer<typeof BalanceQuery>;

const Transfers = z.object({ items: z.array(BookedTransfer), nextCursor: z.string().nullable() });
type Transfers = z.infer<typeof Transfers>;

/** What a creator has, and how it came about. */
@Controller('v1/creators/:creatorId')
@Roles('creator', 'operator', 'approver', 'auditor')
export class BalancesController {
  constructor(
    private readonly balances: Balances,
    private readonly asOf: BalancesAsOf,
  ) {}

  /**
   * The balance in millidiamonds, with the positions of the log that it includes; zeros for an unknown creator. As it
   * is now, or as it was: of exactly the events before a time of the log, or before a position.
   */
  @Get('balance')
  @Answers(Balance)
  async balance(
    @Param('creatorId', { schema: Id }) creatorId: string,
    @Query({ schema: BalanceQuery }) { after, asOf, atPosition = '' }: BalanceQuery,
  ): Promise<Balance> {
    const position =
      asOf === undefined ? balancePositionIn(atPosition) : await this.asOf.positionAt(creatorId, Date.parse(asOf));
    if (position !== undefined) return this.asOf.read(creatorId, position, LONGEST_WAIT_MS);
    if (after === undefined || !isGiftId(after)) return this.balances.read(creatorId);
    await this.balances.untilCredited(creatorId, after, LONGEST_WAIT_MS);
    return this.balances.read(creatorId, after);
  }

  /** Every transfer of the creator, newest first. */
  @Get('transfers')
  @Answers(Transfers)
  async transfers(
    @Param('creatorId', { schema: Id }) creatorId: string,
    @Query({ schema: PageQuery }) { limit, cursor }: PageQuery,
  ): Promise<Transfers> {
    const filters = { list: 'transfers', creatorId };
    const found = await this.balances.transfers(creatorId, limit + 1, idIn(readCursor(cursor, filters)));
    return pageOf(found, limit, ({ id }) => [id], filters);
  }
}

/** The transfer id that a cursor stands at. A cursor is no secret, so what it holds may be anything. */
function idIn(position: readonly string[] | undefined): string | undefined {
  if (position === undefined) return undefined;
  const [id = '', ...more] = position;
  if (!/^\d{1,18}$/.test(id) || more.length > 0) throw new Problem('cursor_invalid');
  return id;
}
