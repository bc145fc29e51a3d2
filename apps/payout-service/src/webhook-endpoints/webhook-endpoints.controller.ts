import { Id } from '@carat/events';
import {
  Answers,
  type Caller,
  CallerOf,
  IdempotencyKey,
  PageQuery,
  Problem,
  pageOf,
  type Reply,
  Roles,
  readIdCursor,
  told,
} from '@carat/http-edge';
import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ListedEndpoint,
  ListedEndpoints,
  RegisteredEndpoint,
  RotatedSecret,
  Rotation,
  WantedEndpoint,
} from './endpoint-bodies.js';
import { WebhookEndpoints } from './webhook-endpoints.store.js';

/** Where the apps of a publisher's creators hear of their redemptions. */
@Controller('v1/webhook-endpoints')
@Roles('publisher')
export class WebhookEndpointsController {
  constructor(private readonly endpoints: WebhookEndpoints) {}

  /** Registers an endpoint. The answer has its secret, which is never shown again. */
  @Post()
  @Header('cache-control', 'no-store')
  @Answers(RegisteredEndpoint, 201)
  async register(
    @CallerOf() caller: Caller,
    @IdempotencyKey() key: string,
    @Body({ schema: WantedEndpoint }) body: WantedEndpoint,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<RegisteredEndpoint> {
    const source = sourceOf(caller);
    // One person may speak for several sources, and what was registered for one is not answered to another.
    const asked = { principal: caller.principal, route: 'POST /v1/webhook-endpoints', key, body: { ...body, source } };
    return told(await this.endpoints.register(asked, source, body), reply);
  }

  /** The endpoints of the publisher's source, newest first, and the disabled ones among them. */
  @Get()
  @Answers(ListedEndpoints)
  async list(
    @CallerOf() caller: Caller,
    @Query({ schema: PageQuery }) { limit, cursor }: PageQuery,
  ): Promise<ListedEndpoints> {
    const source = sourceOf(caller);
    const filters = { list: 'webhook-endpoints', source };
    const found = await this.endpoints.list(source, limit + 1, readIdCursor(cursor, filters));
    return pageOf(found, limit, ({ endpointId }) => [endpointId], filters);
  }

  /** One endpoint. */
  @Get(':endpointId')
  @Answers(ListedEndpoint)
  find(@CallerOf() caller: Caller, @Param('endpointId', { schema: Id }) endpointId: string): Promise<ListedEndpoint> {
    return this.endpoints.find(sourceOf(caller), endpointId);
  }

  /** Disables an endpoint for good. What it was sent, and was not, can still be read. */
  @Delete(':endpointId')
  @Answers(ListedEndpoint)
  delete(@CallerOf() caller: Caller, @Param('endpointId', { schema: Id }) endpointId: string): Promise<ListedEndpoint> {
    return this.endpoints.delete(sourceOf(caller), endpointId);
  }

  /** Another secret for an endpoint. Every request makes one; it is never shown again. */
  @Post(':endpointId/secret-rotation')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Answers(RotatedSecret)
  async rotate(
    @CallerOf() caller: Caller,
    @Param('endpointId', { schema: Id }) endpointId: string,
    @Body({ schema: Rotation }) { graceSeconds }: Rotation,
  ): Promise<RotatedSecret> {
    return { secret: await this.endpoints.rotate(sourceOf(caller), endpointId, graceSeconds) };
  }
}

/** Whose endpoints the caller's are. */
export function sourceOf({ source }: Caller): string {
  if (source === undefined) throw new Problem('forbidden');
  return source;
}
