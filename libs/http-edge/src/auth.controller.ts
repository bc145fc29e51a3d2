import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import { type Caller, presentedKey, type Role } from './api-key.js';
import { ApiKeys } from './api-keys.store.js';
import { Problem } from './problems.js';

const ROLES = 'carat:roles';
const PUBLIC = 'carat:public';

interface EdgeRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  caller?: Caller;
}

/** Opens a route, or every route of a controller, to these roles and no other. */
export const Roles = (...allowed: [Role, ...Role[]]): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(ROLES, allowed), ApiBearerAuth(), ApiExtension('x-roles', allowed));

/** Opens a route to everyone, without a key. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);

/** The caller whom the guard let in. Only on routes with @Roles. */
export const CallerOf = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<EdgeRequest>();
  if (caller === undefined) throw new Problem('unauthorized');
  return caller;
});

/** Denies by default: a route that says neither who may use it nor that everyone may is closed. */
@Injectable()
export class KeyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: ApiKeys,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const declaredOn = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, declaredOn) === true) return true;
    const allowed = this.reflector.getAllAndOverride<readonly Role[] | undefined>(ROLES, declaredOn);
    if (allowed === undefined) throw new Problem('forbidden', { detail: 'this route is open to no role' });
    const request = context.switchToHttp().getRequest<EdgeRequest>();
    const presented = presentedKey(request.headers['authorization']);
    const caller = presented && (await this.keys.verify(presented));
    if (caller === undefined) throw new Problem('unauthorized', { headers: { 'www-authenticate': 'Bearer' } });
    if (!allowed.includes(caller.role))
      throw new Problem('forbidden', { detail: `open to: ${allowed.join(', ')}; the key is of: ${caller.role}` });
    request.caller = caller;
    return true;
  }
}
