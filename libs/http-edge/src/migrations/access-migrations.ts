import { Access1764000000001 } from './1764000000001-access.js';
import { Idempotency1764000000002 } from './1764000000002-idempotency.js';
import { CreatorTokens1764000000003 } from './1764000000003-creator-tokens.js';

/** The migrations of schema `access`, oldest first. */
export const accessMigrations = [Access1764000000001, Idempotency1764000000002, CreatorTokens1764000000003];
