import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A text that was read by people and kept, of this folder. After a change that is meant, run the spec once with
 * `WRITE_GOLDEN=1` and read what changed.
 */
export function golden(name: string, text: string): string {
  const file = new URL(name, import.meta.url);
  if (process.env['WRITE_GOLDEN'] === '1') writeFileSync(file, text);
  return readFileSync(file, 'utf8');
}
