export { openBrowser, type TestBrowser } from './browser.js';
export { eventually } from './eventually.js';
export { consoleProducer, freshPrefix, kafkaBrokers, startKafka } from './kafka.js';
export { freshDatabase, startPostgres, type TestDatabase } from './postgres.js';
export { freePort, type Started } from './processes.js';
export { asKafkaAdmin, testKafka, testProducer } from './test-client.js';
export { openTokenIssuer, type SigningKey, type TokenIssuer } from './token-issuer.js';
