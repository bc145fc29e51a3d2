import { Access1764000000001 } from './1764000000001-access.js';
import { Idempotency1764000000002 } from './1764000000002-idempotency.js';

/** The migrations of schema `access`, oldest first. */
export const accessMigrations = [Access1764000000001, Idempotency1764000000002];
