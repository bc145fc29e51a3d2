/** The body of a proposal of rules: the values that hold by default, unless it says otherwise. */
export const rules = (change: object = {}) => ({
  minimumMillidiamonds: 10_000_000,
  dailyMaximumMillidiamonds: 200_000_000,
  weeklyMaximumMillidiamonds: 1_000_000_000,
  methodCoolingSeconds: 86_400,
  decisionDeadlineSeconds: 14 * 86_400,
  quoteTtlSeconds: 600,
  oneApproverFromMillidiamonds: 20_000_000,
  twoApproversFromMillidiamonds: 200_000_000,
  effectiveFrom: '2099-01-01T00:00:00.000Z',
  reason: 'The year is over.',
  ...change,
});
