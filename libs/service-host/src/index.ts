export { migrate, openDatabase, storedOffsets, underStartLock } from './database.store.js';
export { Duration } from './duration.js';
export { embeddedDatabaseUrl } from './embedded-postgres.worker.js';
export { HostFailure } from './host-failure.js';
export { providerEnvironment } from './provider-environment.worker.js';
export { openApiOf, variablesOf } from './reference.worker.js';
export { run } from './run.worker.js';
export {
  ENVIRONMENT,
  type EntityClass,
  EVENT_LOG,
  type HostContext,
  type MigrationClass,
  type Service,
} from './service.js';
