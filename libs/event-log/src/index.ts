export * from './event-log.js';
export { type Fault, faultOf, judge } from './fault.js';
export { findEvent } from './find-event.js';
export { inSequence, JournalChanged, type Seen, SequenceGap } from './sequence.js';
