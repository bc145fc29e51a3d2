export * from './amounts.js';
export * from './fraction.js';
