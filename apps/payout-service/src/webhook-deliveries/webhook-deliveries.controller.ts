import { Id } from '@carat/events';
import { Answers, type Caller, CallerOf, PageQuery, pageOf, Roles, readIdCursor } from '@carat/http-edge';
import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { sourceOf } from '../webhook-endpoints/webhook-endpoints.controller.js';
import { DeliveriesFilter, ListedDeliveries, ListedDelivery } from './delivery-bodies.js';
import { WebhookDeliveries } from './webhook-deliveries.store.js';

const DeliveriesQuery = z.object({ ...PageQuery.shape, ...DeliveriesFilter.shape });
type DeliveriesQuery = z.infer<typeof DeliveriesQuery>;

/** The delivery log of an endpoint. */
@Controller('v1/webhook-endpoints/:endpointId/deliveries')
@Roles('publisher')
export class WebhookDeliveriesController {
  constructor(private readonly deliveries: WebhookDeliveries) {}

  /** What the endpoint was sent and is to be sent, newest event first. */
  @Get()
  @Answers(ListedDeliveries)
  async list(
    @CallerOf() caller: Caller,
    @Param('endpointId', { schema: Id }) endpointId: string,
    @Query({ schema: DeliveriesQuery }) { limit, cursor, ...filter }: DeliveriesQuery,
  ): Promise<ListedDeliveries> {
    const source = sourceOf(caller);
    const bound = { list: 'webhook-deliveries', source, endpointId, ...filter };
    const found = await this.deliveries.list(source, endpointId, filter, limit + 1, readIdCursor(cursor, bound));
    return pageOf(found, limit, ({ deliveryId }) => [deliveryId], bound);
  }

  /** Sends a delivery once more, under the id that it always had. Asked for again it is sent again. */
  @Post(':deliveryId/resend')
  @HttpCode(202)
  @Answers(ListedDelivery, 202)
  resend(
    @CallerOf() caller: Caller,
    @Param('endpointId', { schema: Id }) endpointId: string,
    @Param('deliveryId', { schema: Id }) deliveryId: string,
  ): Promise<ListedDelivery> {
    return this.deliveries.resend(sourceOf(caller), endpointId, deliveryId);
  }
}
