import { run } from '@carat/service-host';
import { conversionService } from './conversion-service.module.js';

await run(conversionService);
