// A process with nothing but a host in it: services without routes, one per name on the command line.

import { Duration, run } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { z } from 'zod';

class Nothing {}
Module({})(Nothing);

const named = (name) => ({
  name,
  port: 0,
  module: Nothing,
  migrations: [],
  environment: z.object({ GIFT_LATENESS: Duration.prefault('7d'), MOST_GIFTS: z.coerce.number().default(1000) }),
  reads: [],
  journals: ['gift.events.v1'],
  transforms: [],
});

await run(...process.argv.slice(2).map(named));
