import { Access1764000000001 } from './1764000000001-access.js';

/** The migrations of schema `access`, oldest first. */
export const accessMigrations = [Access1764000000001];
