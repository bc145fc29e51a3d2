import { Id } from '@carat/events';
import { Answers, type Caller, CallerOf, IdempotencyKey, type Reply, Roles, told } from '@carat/http-edge';
import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import type { ProjectionName } from './projection.js';
import { Projection, Rebuild, RebuildBody, Rebuilds, RebuiltRows, RebuiltRowsQuery } from './rebuild-bodies.js';
import { ProjectionRebuilds } from './rebuilds.store.js';

/** How a projection that is not what the log gives is repaired, by its owner alone; and what was ever repaired. */
@Controller('v1/ops/projections/:name/rebuilds')
export class RebuildsController {
  constructor(private readonly rebuilds: ProjectionRebuilds) {}

  /** Puts the rows of a shadow in place of those that differ, when they are the ones that a dry run announced. */
  @Post()
  @Roles('operator')
  @Answers(Rebuild, 201)
  async rebuild(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('name', { schema: Projection }) name: ProjectionName,
    @Body({ schema: RebuildBody }) body: RebuildBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Rebuild> {
    const route = `POST /v1/ops/projections/${name}/rebuilds`;
    return told(await this.rebuilds.rebuild({ principal, route, key, body }, name, body), reply);
  }

  /** What was repaired, newest first. */
  @Get()
  @Roles('operator', 'auditor')
  @Answers(Rebuilds)
  async list(@Param('name', { schema: Projection }) name: ProjectionName): Promise<Rebuilds> {
    return { items: await this.rebuilds.list(name), nextCursor: null };
  }

  /** Every row of one repair, as it was found and as it is now. */
  @Get(':rebuildId/rows')
  @Roles('operator', 'auditor')
  @Answers(RebuiltRows)
  async rows(
    @Param('name', { schema: Projection }) name: ProjectionName,
    @Param('rebuildId', { schema: Id }) rebuildId: string,
    @Query({ schema: RebuiltRowsQuery }) query: RebuiltRowsQuery,
  ): Promise<RebuiltRows> {
    return { items: await this.rebuilds.rows(name, rebuildId, query) };
  }
}
