import { describe, expect, test } from '@jest/globals';
import { FlowHalted, OffsetMovedByAnother, Unhandleable } from './event-log.js';
import { faultOf, judge } from './fault.js';

const postgres = (code: string) => Object.assign(new Error('from the database'), { driverError: { code } });
const named = (name: string) => Object.assign(new Error('from a client'), { name });

describe('judging an error', () => {
  test.each([
    ['a lost hold', new OffsetMovedByAnother('g', 't', 0), 'give_up'],
    ['a halted flow', new FlowHalted('gap'), 'give_up'],
    ['a deadlock', postgres('40P01'), 'try_again'],
    ['a lost connection', postgres('08006'), 'try_again'],
    ['a full disk', postgres('53100'), 'try_again'],
    ['a missing table', postgres('42P01'), 'try_again'],
    ['a refused connection', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'try_again'],
    ['a connection cut in a query', new Error('Connection terminated unexpectedly'), 'try_again'],
    ['a transaction whose connection broke', named('QueryRunnerProviderAlreadyReleasedError'), 'try_again'],
    ['a host without a route', Object.assign(new Error('connect'), { syscall: 'connect' }), 'try_again'],
    ['a changed password', postgres('28P01'), 'try_again'],
    ['a broken page', postgres('XX001'), 'try_again'],
    ['a broker away', named('KafkaJSProtocolError'), 'try_again'],
    ['a value out of range', postgres('22003'), 'look_closer'],
    ['a broken constraint', postgres('23514'), 'look_closer'],
    ['a bug', new TypeError('x is not a function'), 'look_closer'],
    ['a domain no', new Unhandleable('future_dated', 'too early'), 'look_closer'],
  ])('%s', (_name, error, verdict) => {
    expect(judge(error)).toBe(verdict);
  });

  test('a fault keeps the code of a domain error, and names others handling_failed', () => {
    expect(faultOf(new Unhandleable('future_dated', 'too early'))).toEqual({
      code: 'future_dated',
      detail: 'too early',
    });
    expect(faultOf(new TypeError('oops'))).toEqual({ code: 'handling_failed', detail: 'oops' });
    expect(faultOf(Object.assign(new Error('no'), { code: 'ERR_X' })).code).toBe('handling_failed');
  });
});
