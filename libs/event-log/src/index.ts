export * from './event-log.js';
export { type Fault, faultOf, judge } from './fault.js';
export { type FoundRecord, findRecord } from './find-record.js';
export { inSequence, JournalChanged, type Seen, SequenceGap } from './sequence.js';
