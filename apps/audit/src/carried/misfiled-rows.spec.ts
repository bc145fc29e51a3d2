import { encode } from '@carat/events';
import { expect, test } from '@jest/globals';
import { sent } from '../../test/gift-log.js';
import { misfiled } from './misfiled-rows.flow.js';

const ID = '01a1fa54-6bac-85c9-818e-f70a92f7196a';
const OTHER = '01a1fa54-6bc0-86e6-bd06-93d5627e6781';
const gift = (id: string): Buffer => encode({ ...sent({ id: 'a-gift', creatorId: 'creator-1' }), id });
const row = (topic: string, eventId: string | undefined, value: Buffer | null) =>
  ({ topic, partition: 0, offset: 0n, eventId, value }) as Parameters<typeof misfiled>[0];

test.each([
  ['under the id of its event', 'gift.events.v1', ID, gift(ID)],
  ['under none, for its id is no UUID', 'gift.events.v1', undefined, gift('gift-1')],
  ['under none, from upstream', 'gift.requests.v1', undefined, Buffer.from('{}')],
  ['under none, as a dead letter', 'carat.gift.intake.dlq.v1', undefined, Buffer.from('{}')],
  ['under anything, unreadable', 'gift.events.v1', ID, Buffer.from('no JSON')],
])('a row is well filed %s', (_, topic, id, value) => {
  expect(misfiled(row(topic, id, value))).toBeUndefined();
});

test.each([
  ['under another id', 'gift.events.v1', OTHER, gift(ID), `it is filed under ${OTHER}, due is ${ID}`],
  ['under none', 'gift.events.v1', undefined, gift(ID), `it is filed under no id, due is ${ID}`],
  ['under an id, and its own is none', 'gift.events.v1', ID, gift('gift-1'), `it is filed under ${ID}, due is none`],
  ['under an id, as a dead letter', 'carat.gift.intake.dlq.v1', ID, gift(ID), `it is filed under ${ID}, due is none`],
])('a row is named %s', (_, topic, id, value, expected) => {
  expect(misfiled(row(topic, id, value))).toBe(expected);
});
