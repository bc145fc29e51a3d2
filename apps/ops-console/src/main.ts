import { run } from '@carat/service-host';
import { opsConsole } from './ops-console.module.js';

await run(opsConsole);
