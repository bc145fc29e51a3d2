import { hash, timingSafeEqual } from 'node:crypto';
import { Problem, Public } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  UseGuards,
} from '@nestjs/common';
import { ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import type { FakeEnvironment } from './fake-environment.worker.js';

const digestOf = (text: string): Buffer => hash('sha256', text, 'buffer');

/** Lets in whoever has the key of the provider. It is no key of Carat's, as the provider is no part of it. */
@Injectable()
class ProviderKeyGuard implements CanActivate {
  private readonly digest: Buffer;

  constructor(@Inject(ENVIRONMENT) { PAYOUT_PROVIDER_KEY }: FakeEnvironment) {
    this.digest = digestOf(PAYOUT_PROVIDER_KEY);
  }

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>();
    const [, presented = ''] = /^bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    // Digests have one length, so the comparison takes the same time wherever the two differ.
    if (timingSafeEqual(digestOf(presented), this.digest)) return true;
    throw new Problem('unauthorized', { headers: { 'www-authenticate': 'Bearer' } });
  }
}

/** Every route of a controller takes the provider's key, PAYOUT_PROVIDER_KEY, and is open to no role of Carat. */
export const TakesProviderKey = (): ClassDecorator =>
  applyDecorators(Public(), UseGuards(ProviderKeyGuard), ApiBearerAuth(), ApiExtension('x-roles', []));
