import { readFile } from 'node:fs/promises';
import { Answers, Problem, Public, Roles } from '@carat/http-edge';
import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { HostStatus } from './host-status.js';
import { Metrics } from './metrics.worker.js';

// From src/ and from dist/ alike.
const ASYNCAPI = new URL('../../../docs/reference/asyncapi.json', import.meta.url);
const DATABASE_ANSWERS_WITHIN_MS = 2_000;

const Config = z.object({ rules: z.record(z.string(), z.union([z.string(), z.number()])) });

/** What machines ask of every service: is it well, how does it fare, what does it speak. None of it needs a key. */
@Controller()
@Public()
@ApiExcludeController()
export class OperationsController {
  constructor(
    private readonly db: DataSource,
    private readonly status: HostStatus,
    private readonly metrics: Metrics,
  ) {}

  @Get('health/live')
  live(): object {
    return { status: 'live' };
  }

  /** Ready: the database answers, and nothing has stopped by itself. */
  @Get('health/ready')
  async ready(): Promise<object> {
    if (!this.status.started) throw new Problem('unavailable', { detail: 'starting' });
    const [alarm] = this.status.alarms;
    if (alarm !== undefined) throw new Problem('unavailable', { detail: `${alarm[0]}: ${alarm[1].message}` });
    if (!(await this.databaseAnswers())) throw new Problem('unavailable', { detail: 'the database does not answer' });
    return { status: 'ready' };
  }

  @Get('health/startup')
  startup(): object {
    if (!this.status.started) throw new Problem('unavailable', { detail: 'starting' });
    return { status: 'started' };
  }

  @Get('metrics')
  async prometheus(
    @Res({ passthrough: true }) reply: { header(name: string, value: string): unknown },
  ): Promise<string> {
    reply.header('content-type', this.metrics.contentType);
    return this.metrics.text();
  }

  @Get('openapi.json')
  openApi(): object {
    return this.status.openApi();
  }

  @Get('asyncapi.json')
  @Header('content-type', 'application/json')
  async asyncApi(): Promise<string> {
    try {
      return await readFile(ASYNCAPI, 'utf8');
    } catch {
      throw new Problem('not_found', { detail: 'this installation carries no docs/reference/asyncapi.json' });
    }
  }

  private async databaseAnswers(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), DATABASE_ANSWERS_WITHIN_MS);
    });
    const answer = this.db.query('SELECT 1').then(
      () => true,
      () => false,
    );
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }
}

/** The rules this process runs by. */
@Controller('v1/config')
export class ConfigController {
  constructor(private readonly status: HostStatus) {}

  @Get()
  @Roles('operator', 'auditor')
  @Answers(Config)
  config(): z.infer<typeof Config> {
    return { rules: this.status.rules };
  }
}
