/** How a command ends. */
export const exitCode = { done: 0, differs: 1, usage: 2, incomplete: 3, unreachable: 4, notFound: 5 } as const;

/** A command that ends early: one sentence for a person, one code for a script. */
export class CommandFailure extends Error {
  constructor(
    readonly code: number,
    sentence: string,
  ) {
    super(sentence);
  }
}

/** Data goes to stdout, where a pipe takes it. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`);
/** Talk goes to stderr, so that it never ends up in the data. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`);
