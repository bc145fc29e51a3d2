import { run } from '@carat/service-host';
import { notary } from './audit.module.js';

await run(notary);
