/** What went wrong in a thread: errors lose their class on the way to another. */
export interface ThreadFailure {
  readonly kind: 'unreachable' | 'halted' | 'failed';
  readonly message: string;
}
