import { Id } from '@carat/events';
import { Answers, Roles } from '@carat/http-edge';
import { Controller, Get, Param } from '@nestjs/common';
import { ViewersCoins, ViewersWallets } from './viewers-coins.store.js';

@Controller('v1/viewers')
export class ViewersCoinsController {
  constructor(private readonly wallets: ViewersWallets) {}

  /** The coins of a viewer, whatever source sold them. */
  @Get(':viewerId/coins')
  @Roles('publisher')
  @Answers(ViewersCoins)
  find(@Param('viewerId', { schema: Id }) viewerId: string): Promise<ViewersCoins> {
    return this.wallets.find(viewerId);
  }
}
