import type { Tx } from '@carat/event-log';
import type { ApprovedProposal } from './proposal.js';

/** The request that an approval came in: with who decides it is the cause of what follows. */
export interface ApprovalRequest {
  /** The Idempotency-Key, or what names one of many that are decided on at once. */
  readonly key: string;
  readonly traceparent?: string | undefined;
}

/** All is locked that an approval touches. */
interface PreparedApproval<Content> {
  /** The database's clock, from after the locks were gained. */
  readonly clockMs: number;
  /**
   * Does what was approved. It may take the head of the log, so nothing else is locked after it.
   * @throws Problem when it cannot be done any more
   */
  readonly carryOut: (approved: ApprovedProposal<Content>, request: ApprovalRequest) => Promise<void>;
}

/** What an approval of one kind of proposal leads to. */
export interface Approval<Content> {
  /**
   * Looks at what is only proposed.
   * @throws Problem when no approval could carry it out, however soon it came
   */
  readonly foresee: (tx: Tx, content: Content) => Promise<void>;
  /** Locks what it touches. `logId`: the log whose offsets the books stand at. */
  readonly prepare: (tx: Tx, content: Content, logId: string) => Promise<PreparedApproval<Content>>;
}
