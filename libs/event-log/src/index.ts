export * from './event-log.js';
export { type Fault, faultOf, judge } from './fault.js';
export { type FoundRecord, findEvent, findRecord, findRecords, recordOnAnswer } from './find-event.js';
export { headersText } from './headers-as-kept.js';
export { FOREIGN_WRITER, type ReadPart, readPart } from './read-part.js';
export { inSequence, JournalChanged, type Seen, SequenceGap } from './sequence.js';
