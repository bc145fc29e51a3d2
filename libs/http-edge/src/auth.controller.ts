import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  Optional,
  type ParamDecoratorEnhancer,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import { actingAs, bearerIn, type Caller, type CallerRole, type KnownCaller, presentedKey } from './api-key.js';
import { ApiKeys } from './api-keys.store.js';
import { CreatorTokens } from './creator-tokens.store.js';
import { isJwt } from './issued-token.js';
import { OidcIssuer } from './oidc-issuer.worker.js';
import { Problem } from './problems.js';

const ROLES = 'carat:roles';
const PUBLIC = 'carat:public';
const CONFINED = 'carat:confined';

interface EdgeRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly params: Readonly<Record<string, string | undefined>>;
  caller?: Caller;
}

/**
 * Opens a route, or every route of a controller, to these roles and no other. To `creator` it opens what is that
 * creator's own: a route of the creator in its path (`:creatorId`), or one that takes an @OwnCreator; no other. Who
 * holds several of the roles acts in the first that is named.
 */
export const Roles = (...allowed: [CallerRole, ...CallerRole[]]): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(ROLES, allowed), ApiBearerAuth(), ApiExtension('x-roles', allowed));

/** Opens a route to everyone, without a key. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);

function callerOf(context: ExecutionContext): Caller {
  const { caller } = context.switchToHttp().getRequest<EdgeRequest>();
  if (caller === undefined) throw new Problem('unauthorized');
  return caller;
}

/** The caller whom the guard let in. Only on routes with @Roles. */
export const CallerOf = createParamDecorator((_: unknown, context: ExecutionContext): Caller => callerOf(context));

const confinesItself: ParamDecoratorEnhancer = (route, name) => {
  const method = name === undefined ? undefined : Object.getOwnPropertyDescriptor(route, name);
  if (name === undefined || method === undefined) throw new Error('@OwnCreator is for the methods of a controller');
  SetMetadata(CONFINED, true)(route, name, method);
};

/**
 * The one creator whose things the caller may see and touch; undefined for callers who may all. For routes whose path
 * names no creator: they answer about another's thing as if it were not there.
 */
export const OwnCreator = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined => callerOf(context).creatorId,
  [confinesItself],
);

/**
 * Denies by default: a route that says neither who may use it nor that everyone may is closed, and so is, to creators,
 * one that does not tell whose things it is about.
 */
@Injectable()
export class KeyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: ApiKeys,
    private readonly tokens: CreatorTokens,
    @Optional() private readonly issuer?: OidcIssuer,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const declaredOn = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, declaredOn) === true) return true;
    const allowed = this.reflector.getAllAndOverride<readonly CallerRole[] | undefined>(ROLES, declaredOn);
    if (allowed === undefined) throw new Problem('forbidden', { detail: 'this route is open to no role' });
    const request = context.switchToHttp().getRequest<EdgeRequest>();
    const known = await this.knownBy(request.headers['authorization']);
    if (known === undefined) throw new Problem('unauthorized', { headers: { 'www-authenticate': 'Bearer' } });
    const caller = actingAs(known, allowed);
    if (caller === undefined) {
      const held = known.roles.join(', ') || 'no role';
      throw new Problem('forbidden', { detail: `open to: ${allowed.join(', ')}; the key is of: ${held}` });
    }
    if (caller.role === 'creator') this.confine(caller, request, context);
    request.caller = caller;
    return true;
  }

  /** Whose key or token it is. Without an issuer a JWT is as good as none. */
  private async knownBy(authorization: string | undefined): Promise<KnownCaller | undefined> {
    const bearer = bearerIn(authorization);
    if (isJwt(bearer)) return this.issuer?.verify(bearer);
    const presented = presentedKey(authorization);
    const keys = presented?.role === 'creator' ? this.tokens : this.keys;
    const caller = presented && (await keys.verify(presented));
    return caller && { ...caller, roles: [caller.role] };
  }

  /** Another's is not there, so that nobody learns by asking which creators there are. */
  private confine({ creatorId }: Caller, { params }: EdgeRequest, context: ExecutionContext): void {
    const asked = params['creatorId'];
    const isConfined = asked !== undefined || this.reflector.get<boolean>(CONFINED, context.getHandler()) === true;
    if (!isConfined) throw new Problem('forbidden', { detail: 'this route does not tell one creator from another' });
    if (asked !== undefined && asked !== creatorId) throw new Problem('not_found');
  }
}
