/** The process cannot go on, for a reason that its user can do something about: one sentence, no stack. */
export class HostFailure extends Error {
  constructor(
    sentence: string,
    cause?: unknown,
    readonly exitCode = 1,
  ) {
    super(sentence, { cause });
  }
}
