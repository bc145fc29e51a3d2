import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { repairClient } from './client-repairs.worker.js';

interface Queue {
  readonly throttleCheckTimeoutId: unknown;
  readonly pending: unknown[];
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}

test('a queue with nothing pending sets no timer', () => {
  repairClient();
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as new (
    options: object,
  ) => Queue;
  const queue = new RequestQueue({ requestTimeout: 1000, clientId: 'test', broker: 'test', logger: { debug() {} } });
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
  queue.pending.push({});
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
  queue.destroy();
});
