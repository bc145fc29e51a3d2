const SMALLEST = 1024;

/**
 * Numbers by UUID, of which it holds 64 of the hashed bits: 16 bytes an entry, where a map takes a hundred. Of ten
 * million ids two are taken for one another once in three hundred thousand tables.
 */
export class IdTable {
  private high = new Uint32Array(SMALLEST);
  private low = new Uint32Array(SMALLEST);
  private values = new Float64Array(SMALLEST).fill(Number.NaN);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** The number of an id; undefined when it has none. */
  get(uuid: string): number | undefined {
    const value = this.values[this.slotOf(wordOf(uuid, HIGH), wordOf(uuid, LOW))] as number;
    return Number.isNaN(value) ? undefined : value;
  }

  /** Gives an id a number, and answers the one that it had. */
  set(uuid: string, value: number): number | undefined {
    const [high, low] = [wordOf(uuid, HIGH), wordOf(uuid, LOW)];
    const slot = this.slotOf(high, low);
    const before = this.values[slot] as number;
    this.values[slot] = value;
    if (!Number.isNaN(before)) return before;
    this.count += 1;
    this.high[slot] = high;
    this.low[slot] = low;
    if (this.count * 3 > this.values.length * 2) this.grow();
    return undefined;
  }

  private slotOf(high: number, low: number): number {
    const mask = this.values.length - 1;
    let slot = low & mask;
    while (!Number.isNaN(this.values[slot]) && (this.high[slot] !== high || this.low[slot] !== low))
      slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const [high, low, values] = [this.high, this.low, this.values];
    this.high = new Uint32Array(2 * values.length);
    this.low = new Uint32Array(2 * values.length);
    this.values = new Float64Array(2 * values.length).fill(Number.NaN);
    for (const [at, value] of values.entries()) {
      if (Number.isNaN(value)) continue;
      const slot = this.slotOf(high[at] as number, low[at] as number);
      this.high[slot] = high[at] as number;
      this.low[slot] = low[at] as number;
      this.values[slot] = value;
    }
  }
}

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
