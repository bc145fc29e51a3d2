export { type Caller, isRole, type Role, roles } from './api-key.js';
export { ApiKeys, type ListedKey } from './api-keys.store.js';
export { CallerOf, Public, Roles } from './auth.controller.js';
export { PageQuery, readCursor, writeCursor } from './cursor.js';
export { EdgeAdapter } from './edge-adapter.controller.js';
export { HttpEdgeModule } from './http-edge.module.js';
export { IdempotencyKey } from './idempotency-key.controller.js';
export { accessMigrations } from './migrations/access-migrations.js';
export { type FieldError, Problem, type ProblemCode, problems } from './problems.js';
