// Which source files have effects. The import law and the clock law share this one definition; patterns are from the
// repository root.

/** Files whose suffix or folder says that they touch HTTP, the log, a clock, SQL or the process. */
export const EDGE = [
  String.raw`\.(controller|flow|worker|store|entity|module)\.ts$`,
  String.raw`(^|/)main\.ts$`,
  '/migrations/',
  '^libs/(http-edge|service-host|test-bed)/',
  '^libs/event-log/src/(journal|kafka|nest|readers)/',
  // The command line is an edge as a whole; what it proves is computed in the apps and libs it calls.
  '^apps/carat/',
];

/** Tests and the contract suites that they run. */
export const TEST = [String.raw`\.(spec|contract)\.ts$`, '^(apps|libs)/[^/]+/test/'];

/** A lib's public face. It re-exports and does nothing else; @carat/event-log's names the edges of its own folder. */
export const DOOR = String.raw`^libs/[^/]+/src/((journal|kafka|nest|readers)/)?index\.ts$`;

/** Everything in a `src/` that is none of these is pure: a function of its inputs, and importable from anywhere. */
export const isPure = (file) =>
  /^(apps|libs)\/[^/]+\/src\/.*\.ts$/.test(file) &&
  ![...EDGE, ...TEST, DOOR].some((pattern) => new RegExp(pattern).test(file));
