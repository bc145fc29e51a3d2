import type { AddressInfo } from 'node:net';
import { creditIdOf, uuidOf } from '@carat/events';
import type { ProblemCode } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { z } from 'zod';
import type { OpsEnvironment } from '../ops-environment.worker.js';
import { Credit, Decided, type ReceiptQuery, Transfer, type Word } from './receipt.js';

// A look into Kafka begins with joining a group, which takes a broker with its own defaults three seconds.
const ANSWERED_WITHIN_MS = 10_000;

/** What one service is asked. */
export interface Question<T> {
  readonly service: keyof OpsEnvironment;
  readonly path: string;
  readonly authorization: string;
  readonly answer: z.ZodType<T>;
  /** The code of the 404 that means that there is none. Any other 404 comes from something else at that address. */
  readonly none: ProblemCode;
}

/** The services, asked over HTTP each for its own part. */
@Injectable()
export class Services {
  private readonly logger = new Logger('ops-console');

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: OpsEnvironment,
    private readonly own: HttpAdapterHost,
  ) {}

  /** What was decided on a request, as far as this caller may know. */
  decided({ source, id }: ReceiptQuery, authorization: string): Promise<Word<Decided>> {
    return this.ask({
      service: 'GIFT_SERVICE_URL',
      path: `/v1/requests?${new URLSearchParams({ source, id })}`,
      authorization,
      answer: Decided,
      none: 'receipt_not_found',
    });
  }

  /** The credit of a gift to this creator, recorded no earlier than `since`. */
  credit(giftId: string, creatorId: string, since: string, authorization: string): Promise<Word<Credit>> {
    return this.ask({
      service: 'CONVERSION_SERVICE_URL',
      path: `/v1/credits/${giftId}?${new URLSearchParams({ creatorId, since })}`,
      authorization,
      answer: Credit,
      none: 'credit_not_found',
    });
  }

  /** The transfer that the credit of a gift was booked as. */
  transfer(giftId: string, authorization: string): Promise<Word<Transfer>> {
    return this.ask({
      service: 'PAYOUT_SERVICE_URL',
      path: `/v1/transfers/${uuidOf(creditIdOf(giftId))}`,
      authorization,
      answer: Transfer,
      none: 'transfer_not_found',
    });
  }

  /** A service's own word on something. */
  async ask<T>({ service, path, authorization, answer, none }: Question<T>): Promise<Word<T>> {
    const url = this.environment[service] ?? this.ownUrl();
    try {
      const signal = AbortSignal.timeout(ANSWERED_WITHIN_MS);
      const answered = await fetch(`${url}${path}`, { headers: { authorization }, redirect: 'error', signal });
      const body: unknown = await answered.json();
      if (answered.ok) return answer.parse(body);
      const { code } = body as { code?: unknown };
      if (answered.status === 404 && code === none) return 'none';
      throw new Error(`it answered ${answered.status} ${String(code)}`);
    } catch (error) {
      const { message, cause } = error as Error;
      this.logger.warn(`${url} has not answered: ${cause instanceof Error ? cause.message : message}`);
      return 'unknown';
    }
  }

  /** Where this process listens: in standalone the services are behind the same door. */
  private ownUrl(): string {
    const { address, family, port } = this.own.httpAdapter.getHttpServer().address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }
}
