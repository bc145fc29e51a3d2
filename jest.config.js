import { readFileSync } from 'node:fs';
import vm from 'node:vm';

// Without the flag Jest silently compiles everything to CommonJS, and only Nest's ESM packages fail.
if (vm.SourceTextModule === undefined)
  throw new Error('use `npm test` or `npm run jest --`: --experimental-vm-modules');

const { $schema: _schema, ...swc } = JSON.parse(readFileSync(new URL('./.swcrc', import.meta.url), 'utf8'));

const base = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['carat-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['js', 'mjs', 'cjs', 'ts', 'json', 'node'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', { ...swc, swcrc: false, sourceMaps: 'inline' }] },
  modulePathIgnorePatterns: ['<rootDir>/(?:apps|libs)/[^/]+/dist/'],
};

const ignored = ['/node_modules/', '/dist/'];

export default {
  // A test is not a measurement: on a busy machine everything takes longer, and only what hangs is to be stopped.
  testTimeout: 60_000,
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,libs,tools}/**/*.spec.{ts,js}'],
      testPathIgnorePatterns: [...ignored, '\\.int\\.spec\\.ts$'],
    },
    {
      ...base,
      displayName: 'int',
      testMatch: ['<rootDir>/{apps,libs}/**/*.int.spec.ts'],
      testPathIgnorePatterns: ignored,
      globalSetup: '<rootDir>/tools/jest-setup.js',
      globalTeardown: '<rootDir>/tools/jest-teardown.js',
    },
  ],
};
