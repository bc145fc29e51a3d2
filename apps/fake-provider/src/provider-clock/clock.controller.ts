import { Time } from '@carat/events';
import { Answers } from '@carat/http-edge';
import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { type ClockReading, DueChanges } from '../fall-due/due-changes.store.js';
import { ProviderTime } from '../fall-due/provider-time.worker.js';
import { TakesProviderKey } from '../provider-key.controller.js';

const LONGEST_ADVANCE_MS = 3_660 * 86_400_000;

const ClockSetting = z
  .strictObject({
    advanceMs: z.int().min(0).max(LONGEST_ADVANCE_MS).optional().meta({ description: 'moves the clock on' }),
    frozen: z.boolean().optional().meta({ description: 'whether it stands still between one move and the next' }),
  })
  .refine(({ advanceMs, frozen }) => advanceMs !== undefined || frozen !== undefined, 'says nothing');
type ClockSetting = z.infer<typeof ClockSetting>;

const ShownClock = z.object({ now: Time, frozen: z.boolean() });
type ShownClock = z.infer<typeof ShownClock>;

const shown = ({ nowMs, isFrozen }: ClockReading): ShownClock => ({
  now: new Date(nowMs).toISOString(),
  frozen: isFrozen,
});

/** The provider's own clock, so that nobody waits for a day to pass. */
@Controller('fake-provider/v1/clock')
@TakesProviderKey()
export class ClockController {
  constructor(
    private readonly changes: DueChanges,
    private readonly time: ProviderTime,
  ) {}

  @Get()
  @Answers(ShownClock)
  async read(): Promise<ShownClock> {
    return shown(await this.changes.clock());
  }

  /** Moves the clock. All that falls due is done before it answers: every change, then every webhook in its order. */
  @Post()
  @HttpCode(200)
  @Answers(ShownClock)
  async set(@Body({ schema: ClockSetting }) setting: ClockSetting): Promise<ShownClock> {
    return shown(await this.time.set(setting));
  }
}
