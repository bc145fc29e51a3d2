const SMALLEST = 1024;
const WORDS_OF_32_BITS = 2 ** 32;
// Whoever says that there are more has to show them.
const MOST_EXPECTED = 4_000_000;

/**
 * Numbers by UUID, of which it holds 64 of the hashed bits: 16 bytes an entry, where a map takes a hundred. Of ten
 * million ids two are taken for one another once in three hundred thousand tables. An entry is two words of the id and
 * the number, side by side: whoever comes to it has it in one line of the processor's cache.
 */
export class IdTable {
  private words = new Uint32Array(0);
  private values = new Float64Array(0);
  private entries = 0;
  private count = 0;

  /** @param expected how many ids there will be, once there is one: a table that grows leaves smaller ones behind */
  constructor(private readonly expected = 0) {
    this.make(SMALLEST);
  }

  /** The number of an id; undefined when it has none. */
  get(uuid: string): number | undefined {
    return numberIn(this.values[2 * this.slotOf(wordOf(uuid, HIGH), wordOf(uuid, LOW)) + 1]);
  }

  /** Gives an id a number, and answers the one that it had. */
  set(uuid: string, value: number): number | undefined {
    const [high, low] = [wordOf(uuid, HIGH), wordOf(uuid, LOW)];
    const slot = this.slotOf(high, low);
    const before = numberIn(this.values[2 * slot + 1]);
    this.values[2 * slot + 1] = value;
    if (before === undefined) this.enter(slot, high, low);
    return before;
  }

  /** Gives an id a number, unless it has one; that is answered. */
  add(uuid: string, value: number): number | undefined {
    const [high, low] = [wordOf(uuid, HIGH), wordOf(uuid, LOW)];
    const slot = this.slotOf(high, low);
    const before = numberIn(this.values[2 * slot + 1]);
    if (before !== undefined) return before;
    this.values[2 * slot + 1] = value;
    this.enter(slot, high, low);
    return undefined;
  }

  /** Gives its memory back at once: a collector would not hurry for what is outside of its heap. It is empty then. */
  release(): void {
    this.values.buffer.transfer(0);
    this.count = 0;
    this.make(SMALLEST);
  }

  private enter(slot: number, high: number, low: number): void {
    this.words[4 * slot] = high;
    this.words[4 * slot + 1] = low;
    this.count += 1;
    // Some more than were expected have room, too.
    if (this.count * 8 > this.entries * 7) this.grow();
  }

  private slotOf(high: number, low: number): number {
    const { words, values, entries } = this;
    let slot = Math.floor((low / WORDS_OF_32_BITS) * entries);
    while (!Number.isNaN(values[2 * slot + 1]) && (words[4 * slot] !== high || words[4 * slot + 1] !== low))
      slot = slot + 1 === entries ? 0 : slot + 1;
    return slot;
  }

  private grow(): void {
    const { words, values, entries } = this;
    this.make(Math.max(2 * entries, Math.ceil((Math.min(this.expected, MOST_EXPECTED) * 5) / 4)));
    for (let at = 0; at < entries; at++) {
      const value = values[2 * at + 1] as number;
      if (Number.isNaN(value)) continue;
      const [high, low] = [words[4 * at] as number, words[4 * at + 1] as number];
      const slot = this.slotOf(high, low);
      this.words[4 * slot] = high;
      this.words[4 * slot + 1] = low;
      this.values[2 * slot + 1] = value;
    }
  }

  private make(entries: number): void {
    this.values = new Float64Array(2 * entries).fill(Number.NaN);
    this.words = new Uint32Array(this.values.buffer);
    this.entries = entries;
  }
}

const numberIn = (value: number | undefined): number | undefined =>
  value === undefined || Number.isNaN(value) ? undefined : value;

// Places of sixteen hexadecimal digits of a UUID: all of them are hashed, but for two bits of the first.
const HIGH = [19, 20, 21, 22, 24, 25, 26, 27] as const;
const LOW = [28, 29, 30, 31, 32, 33, 34, 35] as const;

/** 32 bits, read where they stand: nothing is cut out of the text. */
function wordOf(uuid: string, places: readonly number[]): number {
  let word = 0;
  for (const place of places) {
    const code = uuid.charCodeAt(place);
    word = (word << 4) | (code & 0x40 ? (code & 0xf) + 9 : code & 0xf);
  }
  return word >>> 0;
}
