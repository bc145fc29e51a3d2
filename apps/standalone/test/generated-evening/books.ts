import { type Exact, minusOf, plusOf, worthOf, ZERO } from './exact.js';
import type { Identity, PlannedRate, Purchase, Request } from './plan.js';

export interface Coin {
  readonly lot: Lot;
  at: 'wallet' | 'streak' | 'spent' | 'refunded';
}

export interface Lot extends Purchase {
  readonly bought: Coin[];
  isReversed: boolean;
}

export interface Gift {
  readonly request: Request;
  readonly coins: bigint;
  /** The coins of the wallet that pays, in the order in which they were taken; none when it was paid for elsewhere. */
  readonly paidBy: { readonly coin: Coin; stands: boolean }[];
  attestedStanding: bigint;
  readonly reversals: { readonly before: bigint; readonly after: bigint }[];
}

export interface CreatorBooks {
  readonly gifts: number;
  readonly reversals: number;
  readonly earned: bigint;
  readonly reversed: bigint;
  readonly available: bigint;
  readonly recoverable: bigint;
  /** Exact worth = thousandths booked + residue, summed over everything that was credited and taken back. */
  readonly residue: Exact;
}

export interface LotBooks {
  readonly sold: bigint;
  readonly held: bigint;
  readonly spent: bigint;
  readonly refunded: bigint;
}

export interface Books {
  readonly creators: Readonly<Record<string, CreatorBooks>>;
  /** By `source purchaseId`. */
  readonly lots: Readonly<Record<string, LotBooks>>;
  readonly refusals: Readonly<Record<string, number>>;
  /** How often each reason made a dead letter. */
  readonly deadLetters: Readonly<Record<string, number>>;
  /** Every gift by the identity of its request, and its coins. */
  readonly gifts: Readonly<Record<string, bigint>>;
  /** Coins of gifts that were paid for elsewhere. */
  readonly attested: bigint;
}

export const nameOf = ({ source, id }: Identity): string => `${source} ${id}`;
export const count = (items: readonly unknown[]): bigint => BigInt(items.length);
export const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);

/** The coins of a gift that nobody has taken back. */
export const standingOf = ({ paidBy, attestedStanding }: Gift): bigint =>
  attestedStanding + count(paidBy.filter(({ stands }) => stands));

/** What gifts and lots come to, when every gift has the rate of its own time. */
export function booksOf(
  gifts: readonly Gift[],
  lots: readonly Lot[],
  rateOf: (request: Request) => PlannedRate,
): Omit<Books, 'refusals' | 'deadLetters'> {
  const creatorOf = ({ request }: Gift): string => request.data.creatorId;
  const ofCreators = Map.groupBy(gifts, creatorOf);
  const attested = gifts.filter(({ request }) => request.data.funding.kind === 'external');
  return {
    creators: Object.fromEntries([...ofCreators].map(([creatorId, own]) => [creatorId, creatorBooks(own, rateOf)])),
    lots: Object.fromEntries(lots.map((lot) => [`${lot.source} ${lot.purchaseId}`, lotBooks(lot)])),
    gifts: Object.fromEntries(gifts.map(({ request, coins }) => [nameOf(request), coins])),
    attested: sum(attested.map(({ coins }) => coins)),
  };
}

function creatorBooks(gifts: readonly Gift[], rateOf: (request: Request) => PlannedRate): CreatorBooks {
  let [earned, reversed, residue] = [0n, 0n, ZERO];
  for (const { request, coins, reversals } of gifts) {
    const rate = rateOf(request);
    const credit = worthOf(coins, rate);
    earned += credit.millidiamonds;
    residue = plusOf(residue, credit.residue);
    for (const { before, after } of reversals) {
      const [was, is] = [worthOf(before, rate), worthOf(after, rate)];
      reversed += was.millidiamonds - is.millidiamonds;
      residue = minusOf(residue, minusOf(was.residue, is.residue));
    }
  }
  const net = earned - reversed;
  return {
    gifts: gifts.length,
    reversals: gifts.flatMap(({ reversals }) => reversals).length,
    earned,
    reversed,
    available: net > 0n ? net : 0n,
    recoverable: net < 0n ? -net : 0n,
    residue,
  };
}

function lotBooks({ bought }: Lot): LotBooks {
  const at = (...places: Coin['at'][]): bigint => count(bought.filter((coin) => places.includes(coin.at)));
  return { sold: count(bought), held: at('wallet', 'streak'), spent: at('spent'), refunded: at('refunded') };
}
