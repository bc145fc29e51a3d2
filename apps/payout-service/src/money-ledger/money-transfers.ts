import { type LedgerEvent, transfersOf } from '../diamond-ledger/transfers-of.js';

type MoneyAccount = 'payouts' | 'clearing:provider' | 'bank' | 'fees';
type MoneyCode = 'pay' | 'late_pay' | 'unpay' | 'settle' | 'fee';

/** Money that moves from one account (debit) to another (credit), in the smallest unit of its currency. */
export interface MoneyTransfer {
  /** The event or the settlement line that moves it. With the code it is the identity of the transfer. */
  readonly sourceId: string;
  readonly code: MoneyCode;
  readonly currency: string;
  readonly debit: MoneyAccount;
  readonly credit: MoneyAccount;
  /** Never negative: which way it goes is said by the accounts. */
  readonly amountMinor: bigint;
  readonly payoutId: string;
}

/** A line of the provider's: money that it has moved for us. */
export interface SettledLine {
  readonly line: string;
  readonly payoutId: string;
  readonly kind: 'payout' | 'return';
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
}

/**
 * What a redemption's event moves: what we owe goes over to the provider, who is to pay it, and back when it comes back
 * (the rules of money, 5). It moves money just where it moves diamonds that are redeemed.
 */
export function moneyTransfersOf(event: LedgerEvent): readonly MoneyTransfer[] {
  if (!('redemptionId' in event.data)) return [];
  const { redemptionId: payoutId, payout } = event.data;
  const [transfer] = transfersOf(event);
  const amount = { sourceId: event.id, currency: payout.currency, amountMinor: BigInt(payout.amountMinor), payoutId };
  switch (transfer?.code) {
    case 'pay':
    case 'late_pay':
      return [{ ...amount, code: transfer.code, debit: 'payouts', credit: 'clearing:provider' }];
    case 'unpay':
      return [{ ...amount, code: 'unpay', debit: 'clearing:provider', credit: 'payouts' }];
    default:
      return [];
  }
}

/** What a settlement line moves: what the provider has paid for us leaves the bank, and so does its fee. */
export function moneyTransfersOfLine(line: SettledLine, provider: string): readonly MoneyTransfer[] {
  const { currency, payoutId, kind, amountMinor, feeMinor } = line;
  const of = { sourceId: `${provider}/${line.line}`, currency, payoutId };
  const [debit, credit] =
    kind === 'payout' ? (['clearing:provider', 'bank'] as const) : (['bank', 'clearing:provider'] as const);
  return [
    { ...of, code: 'settle', debit, credit, amountMinor },
    ...(feeMinor === 0n ? [] : [{ ...of, code: 'fee', debit: 'fees', credit: 'bank', amountMinor: feeMinor } as const]),
  ];
}
