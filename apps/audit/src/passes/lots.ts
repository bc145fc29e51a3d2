import { sha256 } from '../seals/digest.js';
import type { Findings } from '../verify/findings.js';

const SMALLEST = 1024;

/** The name of a lot: whoever sold the coins, and what the sale is called there. */
export interface LotName {
  readonly source: string;
  readonly purchaseId: string;
}

/** What findings call a lot. */
export const subjectOf = ({ source, purchaseId }: LotName): string => `${source} ${purchaseId}`;

/**
 * The names of lots, one after another, and of each row where its name ends. A name is the number of its source, in
 * four bytes, and the sale, as UTF-8.
 */
interface Names {
  /** Few sell coins, and each of them very many lots. */
  readonly sources: readonly string[];
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
}

/** What few lots have. */
interface TakenBack {
  restored: bigint;
  /** Of the first reversal of the purchase. */
  refund: { readonly unspent: bigint; readonly spent: bigint } | undefined;
}

/** Lots as they are sent between threads, row by row. Plain data. */
export interface LotsAsTold {
  readonly names: Names;
  readonly coins: BigInt64Array<ArrayBuffer>;
  readonly takenBack: ReadonlyMap<number, TakenBack>;
}

/** The memory of what is told: whoever sends it to another thread gives it away, and it is not copied. */
export const memoryOf = ({ names, coins }: LotsAsTold): ArrayBuffer[] => [
  names.bytes.buffer,
  names.ends.buffer,
  coins.buffer,
];

const SOURCE_BYTES = 4;

const endOf = ({ ends }: Names, row: number): number => (row < 0 ? 0 : (ends[row] as number));

function nameOf(names: Names, row: number): LotName {
  const { buffer, byteOffset } = names.bytes;
  const [from, end] = [endOf(names, row - 1), endOf(names, row)];
  const name = Buffer.from(buffer, byteOffset + from, end - from);
  return { source: names.sources[name.readUInt32LE()] ?? '', purchaseId: name.toString('utf8', SOURCE_BYTES) };
}

/**
 * Rows by the names of lots. The names are in one piece of memory and their rows in an array, some thirty bytes for
 * what takes a map two or three hundred.
 */
class LotRows implements Names {
  readonly sources: string[] = [];
  bytes: Buffer<ArrayBuffer> = Buffer.alloc(64 * SMALLEST);
  ends = new Uint32Array(SMALLEST);
  /** Rows, one more than they are, at the hash of their names or as soon as possible after it. */
  private slots = new Uint32Array(2 * SMALLEST);
  private readonly numbers = new Map<string, number>();
  count = 0;

  /** The row of a name; a new one is the next number. */
  rowOf(name: LotName): number {
    const { slot, end } = this.lookedUp(name);
    const known = this.slots[slot] as number;
    if (known > 0) return known - 1;
    this.slots[slot] = ++this.count;
    if (this.count > this.ends.length) this.ends = grown(this.ends);
    this.ends[this.count - 1] = end;
    if (3 * this.count > 2 * this.slots.length) this.spread();
    return this.count - 1;
  }

  /** The row of a name; undefined for one that there is not. */
  find(name: LotName): number | undefined {
    const known = this.slots[this.lookedUp(name).slot] as number;
    return known > 0 ? known - 1 : undefined;
  }

  /** Where the row of a name is or belongs, and where the name ends, which is written behind all that are there. */
  private lookedUp({ source, purchaseId }: LotName): { slot: number; end: number } {
    const from = endOf(this, this.count - 1);
    this.makeRoom(from + SOURCE_BYTES + 3 * purchaseId.length);
    this.bytes.writeUInt32LE(this.numberOf(source), from);
    const end = from + SOURCE_BYTES + this.bytes.write(purchaseId, from + SOURCE_BYTES);
    return { slot: this.slotOf(from, end), end };
  }

  private numberOf(source: string): number {
    const known = this.numbers.get(source);
    if (known !== undefined) return known;
    this.numbers.set(source, this.sources.length);
    return this.sources.push(source) - 1;
  }

  /** Where the row of the name is that stands there, or where it belongs. */
  private slotOf(from: number, end: number): number {
    const { slots, bytes } = this;
    let hash = FNV_OFFSET;
    for (let at = from; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), FNV_PRIME);
    let slot = (hash >>> 0) % slots.length;
    while (slots[slot] !== 0 && !this.isName((slots[slot] as number) - 1, from, end)) slot = (slot + 1) % slots.length;
    return slot;
  }

  private isName(row: number, from: number, end: number): boolean {
    const [begin, last] = [endOf(this, row - 1), endOf(this, row)];
    return last - begin === end - from && this.bytes.compare(this.bytes, begin, last, from, end) === 0;
  }

  private makeRoom(length: number): void {
    if (length <= this.bytes.length) return;
    const more = Buffer.alloc(2 * length);
    this.bytes.copy(more);
    this.bytes = more;
  }

  private spread(): void {
    this.slots = new Uint32Array(2 * this.slots.length);
    for (let row = 0; row < this.count; row++)
      this.slots[this.slotOf(endOf(this, row - 1), endOf(this, row))] = row + 1;
  }
}

// FNV-1a, of 32 bits (Fowler, Noll, Vo). Who crafts names to be slow here has to buy coins for each.
const FNV_OFFSET = 0x81_1c_9d_c5;
const FNV_PRIME = 0x01_00_01_93;

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * array.length);
  larger.set(array);
  return larger;
}

// Columns of a row: coins purchased, coins spent, and whose they are (`ownerOf`).
const [PURCHASED, SPENT, OWNER, COLUMNS] = [0, 1, 2, 3] as const;

/** Eight bytes of a hash tell viewers apart, and take less room than their names. */
export const ownerOf = (viewerId: string): bigint => Buffer.from(sha256(viewerId), 'latin1').readBigInt64LE();

/** What is due of a lot that was bought. */
export interface DueLot {
  /** Of the viewer, as `ownerOf` tells it. */
  readonly owner: bigint;
  readonly coins: bigint;
  readonly left: bigint;
  readonly isRefunded: boolean;
}

/**
 * What became of every purchase of coins. There are as many as viewers buy, and each partition meets those of all, so
 * names and coins are in arrays, which no collector looks into.
 */
export class Lots {
  private readonly rows = new LotRows();
  private coins = new BigInt64Array(COLUMNS * SMALLEST);
  private readonly takenBack = new Map<number, TakenBack>();

  add(lot: LotName, column: 'spent' | 'restored', coins: number): void {
    const row = this.rowOf(lot);
    if (column === 'restored') this.takenBackOf(row).restored += BigInt(coins);
    else this.enter(row, SPENT, BigInt(coins));
  }

  /** The purchase of a lot. */
  bought(lot: LotName, viewerId: string, coins: number): void {
    const row = this.rowOf(lot);
    this.enter(row, PURCHASED, BigInt(coins));
    this.coins[row * COLUMNS + OWNER] = ownerOf(viewerId);
  }

  /** How many lots were seen; each has a number below that. */
  get count(): number {
    return this.rows.count;
  }

  /** The number of a lot; undefined for one that was not seen. */
  find(lot: LotName): number | undefined {
    return this.rows.find(lot);
  }

  nameOf(row: number): LotName {
    return nameOf(this.rows, row);
  }

  /** What the log gives of a lot; undefined for one that was only spent from. */
  due(row: number): DueLot | undefined {
    const [owner, coins, spent] = [this.at(row, OWNER), this.at(row, PURCHASED), this.at(row, SPENT)];
    if (coins === 0n) return undefined;
    const { restored = 0n, refund } = this.takenBack.get(row) ?? {};
    const isRefunded = refund !== undefined;
    return { owner, coins, left: isRefunded ? 0n : coins - spent + restored, isRefunded };
  }

  /** A reversal of the purchase, with what it says of its coins. The first one counts. */
  refund(lot: LotName, unspentCoins: number, spentCoins: number): void {
    this.takenBackOf(this.rowOf(lot)).refund ??= { unspent: BigInt(unspentCoins), spent: BigInt(spentCoins) };
  }

  /** All of it, in the very memory that holds it: nothing is left here, and nothing can be added. */
  told(): LotsAsTold {
    const { sources, bytes, ends, count } = this.rows;
    const size = endOf(this.rows, count - 1);
    return {
      names: {
        sources,
        bytes: new Uint8Array(bytes.buffer.transfer(size)),
        ends: new Uint32Array(ends.buffer.transfer(count * ends.BYTES_PER_ELEMENT)),
      },
      coins: new BigInt64Array(this.coins.buffer.transfer(count * COLUMNS * this.coins.BYTES_PER_ELEMENT)),
      takenBack: this.takenBack,
    };
  }

  /** Takes what another reader saw into these, and gives the memory of it back: a collector would not hurry. */
  merge(told: LotsAsTold): void {
    const { names, coins, takenBack } = told;
    for (let other = 0; other < names.ends.length; other++) {
      const row = this.rowOf(nameOf(names, other));
      for (const column of [PURCHASED, SPENT]) this.enter(row, column, coins[other * COLUMNS + column] as bigint);
      const owner = coins[other * COLUMNS + OWNER] as bigint;
      if (owner !== 0n) this.coins[row * COLUMNS + OWNER] = owner;
      const more = takenBack.get(other);
      if (more === undefined) continue;
      const mine = this.takenBackOf(row);
      mine.restored += more.restored;
      mine.refund ??= more.refund;
    }
    for (const memory of memoryOf(told)) memory.transfer(0);
  }

  /**
   * Coins sold are coins held, spent and refunded; no lot is spent twice. A lot that was refunded is spent no more, and
   * its refund says what was spent of it and what was not.
   */
  check(findings: Findings): void {
    findings.checked('coins', this.rows.count);
    for (let row = 0; row < this.rows.count; row++) this.checkRow(row, findings);
  }

  private checkRow(row: number, findings: Findings): void {
    const [purchased, spent] = [this.at(row, PURCHASED), this.at(row, SPENT)];
    const { restored = 0n, refund } = this.takenBack.get(row) ?? {};
    const used = spent - restored;
    const isOverspent = used < 0n || used > purchased;
    const isRefunded = refund === undefined || (refund.spent === used && refund.unspent === purchased - used);
    if (!isOverspent && isRefunded) return;
    const subject = subjectOf(this.nameOf(row));
    const sum = `${purchased} coins were bought, ${spent} spent, ${restored} restored`;
    if (isOverspent) findings.add('coins', 'lot_overspent', subject, sum);
    else {
      const refunded = `${sum}; refunded were ${refund?.unspent} unspent and ${refund?.spent} spent`;
      findings.add('coins', 'refund_differs', subject, refunded);
    }
  }

  private at(row: number, column: number): bigint {
    return this.coins[row * COLUMNS + column] as bigint;
  }

  private enter(row: number, column: number, more: bigint): void {
    this.coins[row * COLUMNS + column] = this.at(row, column) + more;
  }

  private takenBackOf(row: number): TakenBack {
    let found = this.takenBack.get(row);
    if (found === undefined) {
      found = { restored: 0n, refund: undefined };
      this.takenBack.set(row, found);
    }
    return found;
  }

  private rowOf(lot: LotName): number {
    const row = this.rows.rowOf(lot);
    if ((row + 1) * COLUMNS > this.coins.length) {
      const more = new BigInt64Array(2 * this.coins.length);
      more.set(this.coins);
      this.coins = more;
    }
    return row;
  }
}
