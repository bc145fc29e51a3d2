import { type Digest, sha256 } from '../seals/digest.js';
import { bytesOfPlace, ENTRY_BYTES, EntryBytes, type Place, type RecordEntry } from '../seals/record-chain.js';
import { GrowingTree, inclusionPath, rootByPath } from './merkle.js';

/** Records of one leaf. A record then takes an eighth of a hash, and its proof a few hundred bytes more. */
export const RECORDS_A_PAGE = 16;

/** A page of records that grows: `SHA-256(0 ‖ partition ‖ offset, time and digest of each)` is a leaf of their tree. */
class Page {
  private readonly written: EntryBytes;
  private readonly begin: number;
  count = 0;

  constructor(place: Place) {
    const name = bytesOfPlace(place);
    this.begin = 1 + name.length;
    this.written = new EntryBytes(this.begin + RECORDS_A_PAGE * ENTRY_BYTES);
    name.copy(this.written.bytes, 1);
  }

  add(entry: RecordEntry): void {
    this.written.write(this.begin + this.count++ * ENTRY_BYTES, entry);
  }

  leaf(): Digest {
    return sha256(this.written.bytes.subarray(0, this.begin + this.count * ENTRY_BYTES));
  }
}

/**
 * The Merkle tree over the records of one partition since a seal, as they come: pages of them are its leaves. It keeps
 * one page, and a dozen digests for a million records.
 */
export class RecordTree {
  private pages = new GrowingTree();
  private readonly page: Page;

  constructor(place: Place) {
    this.page = new Page(place);
  }

  /** How many records there are. */
  get size(): number {
    return this.pages.size * RECORDS_A_PAGE + this.page.count;
  }

  add(entry: RecordEntry): void {
    this.page.add(entry);
    if (this.page.count < RECORDS_A_PAGE) return;
    this.pages.add(this.page.leaf());
    this.page.count = 0;
  }

  /** Begins anew, as after a seal. */
  clear(): void {
    this.pages = new GrowingTree();
    this.page.count = 0;
  }

  root(): Digest {
    return this.pages.root(this.page.count === 0 ? undefined : this.page.leaf());
  }
}

/** What leads from one record to the root: the others of its page, and the siblings of the page up to the root. */
export interface RecordPath {
  /** Which record it is of all of them. */
  readonly index: number;
  readonly before: readonly RecordEntry[];
  readonly after: readonly RecordEntry[];
  readonly siblings: readonly Digest[];
}

function leafOf(place: Place, entries: readonly RecordEntry[]): Digest {
  const page = new Page(place);
  for (const entry of entries) page.add(entry);
  return page.leaf();
}

/** The path of one of the records that a tree is of. */
export function pathOf(place: Place, entries: readonly RecordEntry[], index: number): RecordPath {
  const pages = Array.from({ length: Math.ceil(entries.length / RECORDS_A_PAGE) }, (_, page) =>
    entries.slice(page * RECORDS_A_PAGE, (page + 1) * RECORDS_A_PAGE),
  );
  const [page, at] = [Math.floor(index / RECORDS_A_PAGE), index % RECORDS_A_PAGE];
  const siblings = inclusionPath(
    pages.map((each) => leafOf(place, each)),
    page,
  );
  return { index, before: pages[page]?.slice(0, at) ?? [], after: pages[page]?.slice(at + 1) ?? [], siblings };
}

/** The root of `size` records that one of them and its path come to; undefined when the path fits no such tree. */
export function rootByRecord(place: Place, entry: RecordEntry, path: RecordPath, size: number): Digest | undefined {
  const { index, before, after, siblings } = path;
  const entries = [...before, entry, ...after];
  const page = Math.floor(index / RECORDS_A_PAGE);
  if (before.length !== index % RECORDS_A_PAGE) return undefined;
  if (entries.length !== Math.min(RECORDS_A_PAGE, size - page * RECORDS_A_PAGE)) return undefined;
  return rootByPath(leafOf(place, entries), page, Math.ceil(size / RECORDS_A_PAGE), siblings);
}
