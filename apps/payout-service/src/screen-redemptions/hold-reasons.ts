/** Why a redemption is looked into before it goes on. */
export interface HoldReason {
  /**
   * Who may let it go on. `approver`: any one who did not ask for the redemption, on having looked. `nobody_before`:
   * the same, once what brought it here is over; as long as that lasts, it can only be rejected, cancelled or expire.
   */
  readonly releasedBy: 'approver' | 'nobody_before';
  /** What the creator is told, and all that is told of it. */
  readonly tellsCreator: string;
}

/** Every reason there is. The code stands on the event, as its `reason`. */
export const holdReasons = {
  redemptions_not_allowed: {
    releasedBy: 'nobody_before',
    tellsCreator: 'Payments to you are stopped at the moment. Support can tell you more.',
  },
  creator_not_adult: { releasedBy: 'nobody_before', tellsCreator: 'Diamonds are paid out to adults only.' },
  tax_form_missing: { releasedBy: 'nobody_before', tellsCreator: 'We need a valid tax form before we can pay you.' },
  eligibility_unknown: {
    releasedBy: 'nobody_before',
    tellsCreator: 'We need to know your age and to have your tax form before we can pay you.',
  },
  debt_outstanding: {
    releasedBy: 'nobody_before',
    tellsCreator: 'Gifts of yours were taken back after you had redeemed them. New diamonds repay that first.',
  },
  method_not_usable: {
    releasedBy: 'nobody_before',
    tellsCreator: 'The payout method is gone, or was changed too recently to be used.',
  },
  method_changed: {
    releasedBy: 'approver',
    tellsCreator: 'The payout method was changed after the redemption was approved, so we look at it again.',
  },
  approval_expired: {
    releasedBy: 'approver',
    tellsCreator: 'The redemption waited for too long and is looked at again.',
  },
} as const satisfies Record<string, HoldReason>;

export type HoldCode = keyof typeof holdReasons;

const BETWEEN = ', ';

/** Codes as the `reason` of an event. */
export const reasonOf = (codes: readonly HoldCode[]): string => codes.join(BETWEEN);

const isHoldCode = (text: string): text is HoldCode => Object.hasOwn(holdReasons, text);

/** The codes in an event's `reason`. */
export const codesIn = (reason: string | undefined): HoldCode[] => (reason ?? '').split(BETWEEN).filter(isHoldCode);

/** Of these codes the ones that nobody releases: what brought them about has not ended. */
export const remaining = (codes: readonly HoldCode[]): HoldCode[] =>
  codes.filter((code) => holdReasons[code].releasedBy === 'nobody_before');
