import type { LogEnvironment, PlaceOfLog } from '@carat/audit/log-source';

/** The database of those who write a log: the journal's own, for Kafka that of the environment. A file has none. */
export function databaseOf(place: PlaceOfLog, { databaseUrl }: LogEnvironment): string | undefined {
  if (place.kind === 'postgres') return place.url;
  return place.kind === 'kafka' ? databaseUrl : undefined;
}
