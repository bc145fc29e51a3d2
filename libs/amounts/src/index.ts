export * from './amounts.js';
export * from './fraction.js';
export * from './whole-sum.js';
