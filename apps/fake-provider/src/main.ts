import { run } from '@carat/service-host';
import { fakeProvider } from './fake-provider.module.js';

await run(fakeProvider);
