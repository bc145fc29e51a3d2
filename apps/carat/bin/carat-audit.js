#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/bundle/verify-bundle.main.js', import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  process.stderr.write('Carat is not built yet: npm run build\n');
  process.exitCode = 4;
}
