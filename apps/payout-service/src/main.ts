import { run } from '@carat/service-host';
import { payoutService } from './payout-service.module.js';

await run(payoutService);
