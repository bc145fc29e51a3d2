import { wordOf } from '../booked/fingerprint.js';
import { sha256 } from '../seals/digest.js';

const BAGS = 1024;
/** Of a bag: how much is in it, and three words of the sum of hashes. */
const WORDS = 4;

/**
 * What is called by names, in a thousand bags by the name, each told by a sum of keyed hashes as a `Fingerprint` is:
 * two sides are equal when all of their bags are, however much is in them, and where one is not only that one has to be
 * looked into.
 */
export class Bags {
  private readonly sums = new Uint32Array(WORDS * BAGS);

  /** @param key of the run, at least 16 random bytes as text */
  constructor(private readonly key: string) {}

  add(name: string, text: string): void {
    const at = WORDS * bagOf(name);
    const digest = sha256(`${this.key}${name.length} ${name}${text}`);
    this.enter(at, 1);
    for (let word = 1; word < WORDS; word++) this.enter(at + word, wordOf(digest, 4 * (word - 1)));
  }

  /** As plain data, to be sent between threads. */
  told(): Uint32Array {
    return this.sums;
  }

  /** Takes what another has told, under the same key, into these. */
  merge(told: Uint32Array): void {
    for (const [at, word] of told.entries()) this.enter(at, word);
  }

  /** The bags that have not the same in them. */
  differing(others: Bags): ReadonlySet<number> {
    const numbers = Array.from({ length: BAGS }, (_, bag) => bag);
    const isSame = (bag: number): boolean =>
      this.sums.subarray(WORDS * bag, WORDS * (bag + 1)).every((word, at) => word === others.sums[WORDS * bag + at]);
    return new Set(numbers.filter((bag) => !isSame(bag)));
  }

  // Every word is summed up modulo 2^32, as the array holds it.
  private enter(at: number, more: number): void {
    this.sums[at] = (this.sums[at] as number) + more;
  }
}

/** The number of the bag that a name is in. */
export const bagOf = (name: string): number => wordOf(sha256(name), 0) % BAGS;
