// A revocation takes effect everywhere within this time.
const KEPT_MS = 2_000;
const MOST_ENTRIES = 10_000;

/**
 * What the database said of an id, for two seconds. Ids that it does not know are remembered as well, so that guessing
 * keys does not become a load on it.
 */
export class ShortMemory<T> {
  private readonly entries = new Map<string, { readonly untilMs: number; readonly said: Promise<T> }>();

  constructor(private readonly load: (id: string) => Promise<T>) {}

  get(id: string): Promise<T> {
    const nowMs = Date.now();
    const entry = this.entries.get(id);
    if (entry !== undefined && entry.untilMs > nowMs) return entry.said;
    if (this.entries.size >= MOST_ENTRIES) this.entries.clear();
    const said = this.load(id);
    this.entries.set(id, { untilMs: nowMs + KEPT_MS, said });
    // A database that could not be asked is no answer: the next request asks again.
    said.catch(() => this.entries.delete(id));
    return said;
  }

  forget(id: string): void {
    this.entries.delete(id);
  }
}
