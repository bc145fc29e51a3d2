// Writes docs/reference from what the built code says of itself. `--check` writes nothing, and fails when a file is not
// what would be written.
import { existsSync } from 'node:fs';
import { glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { notary } from '@carat/audit';
import { conversionService } from '@carat/conversion-service';
import { topics } from '@carat/events';
import { fakeProvider } from '@carat/fake-provider';
import { giftService } from '@carat/gift-service';
import { problems } from '@carat/http-edge';
import { opsConsole } from '@carat/ops-console';
import { payoutService } from '@carat/payout-service';
import { openApiOf, variablesOf } from '@carat/service-host';
import { z } from 'zod';
import { asyncApiOf, typeOf } from './asyncapi.js';

const REFERENCE = fileURLToPath(new URL('../docs/reference/', import.meta.url));
const SERVICES = [giftService, conversionService, payoutService, fakeProvider, opsConsole, notary];
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

/** `schemas/<type>.json`: what a writer may send, in JSON Schema 2020-12. */
function* schemaFiles() {
  for (const schema of Object.values(topics).flatMap(({ events }) => events)) {
    const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
    yield [`schemas/${typeOf(schema)}.json`, json({ $schema, $id: `urn:carat:event:${typeOf(schema)}`, ...rest })];
  }
}

/** Every code that an answer of a service can carry, as one table. */
const problemsPage = () =>
  [
    '# Problems',
    '',
    'Every refusal over HTTP is an `application/problem+json` object (RFC 9457). `code` is stable, and is what a',
    'program reads; `retryable` says whether the same request may succeed later. Generated from the table in',
    '`libs/http-edge`.',
    '',
    '| code | status | title | retryable |',
    '|---|---|---|---|',
    ...Object.entries(problems).map(
      ([code, { status, title, retryable }]) => `| \`${code}\` | ${status} | ${title} | ${retryable ? 'yes' : 'no'} |`,
    ),
    '',
  ].join('\n');

const cell = (text) => text.replaceAll('|', '\\|');
const code = (text) => `\`${text}\``;

function fallbackText({ fallback, required }) {
  if (fallback === undefined) return required ? '**required**' : 'not set';
  return fallback === '' ? 'empty' : code(cell(fallback));
}

const variablesTable = (variables) => [
  '| name | default | meaning |',
  '|---|---|---|',
  ...variables.map((it) => `| ${code(it.name)} | ${fallbackText(it)} | ${cell(it.meaning)} |`),
  '',
];

/** Every variable that a process reads. A service's port is its own when it runs alone. */
function environmentPage() {
  const common = variablesOf().map((it) =>
    it.name === 'PORT' ? { ...it, fallback: '8080', meaning: `${it.meaning}; alone ${ports()}` } : it,
  );
  return [
    '# Environment',
    '',
    'An empty variable counts as not set. One that is missing or malformed stops the process before it listens, and is',
    'named. Generated from the schemas that the services parse their environment with.',
    '',
    '## Every process',
    '',
    ...variablesTable(common),
    ...SERVICES.flatMap((service) => {
      const variables = variablesOf(service);
      return variables.length === 0 ? [] : [`## ${service.name}, alone`, '', ...variablesTable(variables)];
    }),
  ].join('\n');
}

const ports = () => SERVICES.map(({ name, port }) => `${name} ${port}`).join(', ');

async function* files() {
  yield* schemaFiles();
  yield ['problems.md', problemsPage()];
  yield ['environment.md', environmentPage()];
  yield ['openapi.json', json(await openApiOf(SERVICES))];
  yield ['asyncapi.json', json(asyncApiOf(topics))];
}

const wanted = new Map();
for await (const [path, text] of files()) wanted.set(path, text);
const present = await Array.fromAsync(glob('**/*.{json,md}', { cwd: REFERENCE }));
const stale = present.filter((path) => !wanted.has(path)).map((path) => `${path} is no longer generated`);
for (const [path, text] of wanted) {
  const file = join(REFERENCE, path);
  const before = existsSync(file) ? await readFile(file, 'utf8') : undefined;
  if (before !== text) stale.push(`${path} is ${before === undefined ? 'missing' : 'not what the code says'}`);
}

if (process.argv.includes('--check')) {
  for (const line of stale) console.error(`docs/reference/${line}: run npm run generate`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const path of present) if (!wanted.has(path)) await rm(join(REFERENCE, path));
  for (const [path, text] of wanted) {
    await mkdir(dirname(join(REFERENCE, path)), { recursive: true });
    await writeFile(join(REFERENCE, path), text);
  }
  console.log(`docs/reference: ${wanted.size} files, ${stale.length} changed`);
}
