import { describe, expect, test } from '@jest/globals';
import { methodsAt } from './routes.js';

const routes = [
  { method: 'GET', path: '/v1/gifts/:giftId' },
  { method: 'HEAD', path: '/v1/gifts/:giftId' },
  { method: 'POST', path: '/v1/gifts' },
  { method: 'POST', path: '/v1/gifts/batch' },
];

describe('the methods of a path', () => {
  test.each([
    ['/v1/gifts', ['POST']],
    ['/v1/gifts/gft_1', ['GET', 'HEAD']],
    ['/v1/gifts/batch', ['GET', 'HEAD', 'POST']],
    ['/v1/gifts/', []],
    ['/v1/gifts/gft_1/more', []],
    ['/v2/gifts', []],
  ])('%s takes %p', (path, methods) => {
    expect(methodsAt(routes, path)).toEqual(methods);
  });
});
