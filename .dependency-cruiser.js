const IMPURE = String.raw`(\.(controller|flow|worker|store|entity|module)|(^|[./])main)\.ts$`;
const TEST = String.raw`(\.spec\.ts$|^(apps|libs)/[^/]+/test/)`;
const MIGRATION = '/migrations/';
const BARREL = String.raw`^libs/[^/]+/src/index\.ts$`;
const IMPURE_CORE = '^(node:)?(fs|net|http|http2|https|tls|dns|dgram|child_process|cluster|worker_threads|timers)(/|$)';
const PURE = { path: '^(apps|libs)/[^/]+/src/', pathNot: [IMPURE, TEST, MIGRATION, BARREL] };

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'pure-imports-only-pure',
      comment: 'A file without an effect suffix may not reach an effectful file, directly or through a barrel.',
      severity: 'error',
      from: PURE,
      to: { path: IMPURE, reachable: true },
    },
    {
      name: 'pure-imports-no-effectful-package',
      severity: 'error',
      from: PURE,
      to: {
        path: '(^|/)node_modules/(@nestjs/|typeorm/|pg/|kafkajs/|ioredis/|fastify/|pino/|prom-client/|playwright-core/|@sparticuz/chromium/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'pure-imports-no-effectful-core-module',
      severity: 'error',
      from: PURE,
      to: { dependencyTypes: ['core'], path: IMPURE_CORE },
    },
    {
      name: 'libs-do-not-import-apps',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    {
      name: 'no-deep-import-across-packages',
      severity: 'error',
      from: { path: '^(?:apps|libs)/([^/]+)/' },
      to: { path: '^libs/([^/]+)/src/', pathNot: ['^libs/$1/', String.raw`^libs/[^/]+/src/index\.ts$`] },
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
    exclude: { path: '^(apps|libs)/[^/]+/dist/' },
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
