import { run } from '@carat/service-host';
import { giftService } from './gift-service.module.js';

await run(giftService);
