import { notary } from '@carat/audit';
import { conversionService } from '@carat/conversion-service';
import { fakeProvider } from '@carat/fake-provider';
import { giftService } from '@carat/gift-service';
import { opsConsole } from '@carat/ops-console';
import { payoutService } from '@carat/payout-service';
import { run } from '@carat/service-host';
import { demoPublisher } from './demo-publisher/demo-publisher.module.js';

await run(giftService, conversionService, payoutService, fakeProvider, opsConsole, notary, demoPublisher);
