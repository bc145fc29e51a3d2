export { project } from '../project.store.js';
export { Project, Transform } from './declare.js';
export { EventLogStrategy } from './event-log-strategy.js';
