import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { GiftEvent } from '@carat/conversion-service/credit-diamonds';
import { decode, type Event, isUpstream, type Topic } from '@carat/events';
import { type BundleLine, type Manifest, readBalance, readRecord, type WrittenRecord } from '../bundle/bundle-line.js';
import { eventSchemas } from '../bundle/event-schemas.js';
import { distrustOf, refuteRecord } from '../inclusion-proof/inclusion-proof.js';
import { Books } from '../recomputed/books.js';
import { BundledRates } from '../recomputed/bundled-rates.js';
import { Credits, type DiamondsMoved, type WrongCredit } from '../recomputed/credits.js';
import { hashOfSeal, NO_SEAL, type Seal } from '../seals/seal.js';
import type { Finding } from '../verify/audit-report.js';
import { type BundleReport, type Gap, totalsOf } from './bundle-report.js';
import { CannotGoOn, SealedIntervals } from './sealed-intervals.js';

const FINDINGS_NAMED = 1_000;
const CREDITS_NAMED = 10;

type Line<Kind extends BundleLine['kind']> = Extract<BundleLine, { kind: Kind }>;

/** The parts of a bundle in their order. The opening seal is the first of its part. */
const order = { manifest: 0, schema: 1, rate: 2, opening: 3, balance: 4, seen: 4, period: 5 } as const;
const PERIOD: readonly BundleLine['kind'][] = ['seal', 'earlier', 'gift', 'record'];

/**
 * Checks the lines of a bundle one after another, and recomputes the balances. What it holds in memory is the balances,
 * the ids of the period's ledger events, and what is open between two seals.
 */
export class BundleCheck {
  private readonly findings: Finding[] = [];
  private findingsTotal = 0;
  private readonly gaps: Gap[] = [];
  private readonly counts = { schemas: 0, rates: 0, balances: 0, seen: 0, seals: 0, records: 0 };
  private readonly repeated = { inPeriod: 0, earlier: 0 };
  private unreadable = 0;
  private readonly sealKeyIds = new Set<string>();
  private readonly books = new Books((error) => this.find('offsets', 'relay_broken', this.place, error.message));
  private readonly rates = new BundledRates((code, detail) => this.find('rate-book', code, 'rate.events.v1', detail));
  private readonly schemas = eventSchemas();
  private readonly intervals: SealedIntervals;
  private credits: Credits | undefined;
  private openedAt: string | undefined;
  private part: number = order.manifest;
  private place = '';

  /** `keys`: whoever is trusted to seal. */
  constructor(
    private readonly manifest: Manifest,
    private readonly keys: readonly KeyObject[],
  ) {
    this.intervals = new SealedIntervals(keys, manifest.log, (finding) => this.add(finding));
  }

  /** @throws CannotGoOn: what was found up to there stands, and `stop` says why no more was */
  take(line: BundleLine): void {
    this.enter(line.kind);
    switch (line.kind) {
      case 'manifest':
        throw new CannotGoOn('bundle_malformed', 'a second manifest');
      case 'schema':
        this.schema(line);
        break;
      case 'rate':
        this.counts.rates += 1;
        this.rates.take(readRecord(line.record));
        break;
      case 'balance':
        this.counts.balances += 1;
        this.books.open(line.partition, readBalance(line.balance));
        break;
      case 'seen':
        this.counts.seen += 1;
        this.books.openSeen(line.topic, line.partition, {
          lastSequence: BigInt(line.lastSequence),
          journal: line.journal,
        });
        break;
      case 'seal':
        this.seal(line.seal);
        break;
      case 'earlier':
        this.repeated.earlier += 1;
        this.books.openBooked(line.partition, line.eventId);
        break;
      case 'gift':
        this.earlierGift(line);
        break;
      case 'record':
        this.record(line.record);
        break;
      default:
        line satisfies never;
    }
  }

  /** Why no more could be looked at. */
  stop(code: string, detail: string): void {
    this.gaps.push({ code, detail });
  }

  /** Everything was taken. */
  end(): void {
    this.closeSeal();
    const { closing, opening, expected, counts } = this.manifest;
    const { seal } = this.intervals;
    if (seal?.content.number !== closing) {
      this.stop('seal_missing', `the bundle ends before seal ${closing}`);
      return;
    }
    for (const [name, count] of Object.entries(counts) as [keyof typeof counts, number][])
      if (this.counts[name] !== count)
        this.find('schema', 'count_differs', name, `${this.counts[name]}, the manifest expects ${count}`);
    this.expect('the closing seal', hashOfSeal(seal.content), expected.closingSeal);
    if (opening === 0) this.expect('the opening seal', NO_SEAL, expected.openingSeal);
    for (const { partition, digest } of expected.balances)
      this.expect(`the balances of partition ${partition}`, this.books.digest(partition), digest);
    this.rates.end(seal, expected.rateBook);
    this.nameCreditsWithoutGift();
  }

  report(): BundleReport {
    const { manifest, credits, counts } = this;
    const verdict = this.findingsTotal > 0 ? 'differs' : this.gaps.length > 0 ? 'incomplete' : 'proven';
    const closing = this.intervals.seal?.content;
    return {
      kind: 'bundle',
      verdict,
      log: manifest.log,
      code: manifest.code,
      opening: { seal: manifest.opening, sealedAt: this.openedAt },
      closing: {
        seal: manifest.closing,
        sealedAt: closing?.number === manifest.closing ? closing.sealedAt : undefined,
      },
      sealKeyIds: [...this.sealKeyIds],
      checked: {
        repeats: this.repeated.inPeriod,
        repeatsOfEarlier: this.repeated.earlier,
        unreadable: this.unreadable,
        seals: counts.seals,
        records: counts.records,
        rateEvents: counts.rates,
        creditsRecomputed: credits?.recomputed ?? 0,
        creditsNotRecomputed: credits?.withoutGift.size ?? 0,
        giftsNotYetCredited: credits?.uncredited ?? 0,
      },
      totals: totalsOf(this.books.balances()),
      findings: this.findings,
      findingsTotal: this.findingsTotal,
      gaps: this.gaps,
    };
  }

  /** Every balance at the last seal that was read, recomputed. */
  balances(): ReturnType<Books['balances']> {
    return this.books.balances();
  }

  private enter(kind: BundleLine['kind']): void {
    const isOpening = kind === 'seal' && this.part < order.opening && this.manifest.opening > 0;
    const part = isOpening ? order.opening : PERIOD.includes(kind) ? order.period : order[kind as keyof typeof order];
    if (part < this.part) throw new CannotGoOn('bundle_malformed', `a ${kind} that stands too late`);
    if (part >= order.opening) this.credits ??= this.recomputing();
    if (part === order.period && this.part < order.period) {
      if (this.manifest.opening > 0 && this.intervals.seal === undefined)
        throw new CannotGoOn('seal_missing', `the opening seal ${this.manifest.opening} is not there`);
      // The balances at the opening seal are all there.
      this.closeSeal();
    }
    this.part = part;
  }

  private recomputing(): Credits {
    const isBooked = (partition: number, eventId: string) => this.books.isBooked(partition, eventId);
    return new Credits(this.rates.book, isBooked, (wrong) => this.wrongCredit(wrong));
  }

  private schema({ type, schema }: Line<'schema'>): void {
    this.counts.schemas += 1;
    if (!isDeepStrictEqual(this.schemas.get(type), schema))
      this.stop('schema_differs', `${type}: this program reads another schema than the bundle names`);
  }

  private seal(seal: Seal): void {
    if (this.part === order.opening) {
      const { number } = seal.content;
      if (number !== this.manifest.opening)
        throw new CannotGoOn('seal_missing', `seal ${number} stands where the opening seal should`);
      this.intervals.openWith(seal);
      this.openedAt = seal.content.sealedAt;
      this.expect('the opening seal', hashOfSeal(seal.content), this.manifest.expected.openingSeal);
    } else {
      this.counts.seals += 1;
      this.closeSeal();
      this.intervals.next(seal);
    }
    this.sealKeyIds.add(seal.keyId);
  }

  /** Everything that a seal covers was taken. */
  private closeSeal(): void {
    const { seal } = this.intervals;
    if (seal === undefined) return;
    this.intervals.close();
    for (const { partition, digest } of seal.content.balances) {
      const recomputed = this.books.digest(partition);
      const detail = `seal ${seal.content.number}: recomputed ${recomputed}, sealed ${digest}`;
      if (recomputed !== digest) this.find('balances', 'balances_differ', `partition ${partition}`, detail);
    }
  }

  private earlierGift({ proof }: Line<'gift'>): void {
    const { topic, partition, value } = { ...proof.record, ...readRecord(proof.record) };
    const refuted = distrustOf(proof.seal, this.keys) ?? refuteRecord(proof);
    const decoded = decode(topic, value);
    if (refuted !== undefined) this.find('credits', refuted.code, 'a gift of before the period', refuted.detail);
    else if (topic === 'gift.events.v1' && 'event' in decoded)
      this.credits?.gift(partition, decoded.event as GiftEvent);
  }

  private record(written: WrittenRecord): void {
    this.counts.records += 1;
    const { topic, partition, offset } = written;
    const place = { topic, partition };
    const record = readRecord(written);
    const decoded = decode(topic, record.value);
    const event = 'event' in decoded ? decoded.event : undefined;
    if (!this.intervals.record(place, record, event)) return;
    this.place = `${topic}/${partition}`;
    if (event !== undefined) this.event(place, event, offset);
    else if (isUpstream(topic)) this.unreadable += 1;
    else if ('undecodable' in decoded)
      this.find('schema', decoded.undecodable.code, this.place, decoded.undecodable.detail, { ...place, offset });
  }

  private event(place: { topic: Topic; partition: number }, event: Event, offset: string): void {
    const taken = this.books.take(place.topic, place.partition, event);
    if (taken === 'repeated') {
      this.repeated.inPeriod += 1;
      return;
    }
    if (taken === 'foreign')
      this.find('journal', 'foreign_writer', event.id, `${event.type} carries no number of its relay`, {
        ...place,
        offset,
      });
    if (place.topic === 'gift.events.v1') this.credits?.gift(place.partition, event as GiftEvent);
    if (event.type === 'carat.diamonds.credited.v1' || event.type === 'carat.diamonds.reversed.v1')
      this.credits?.credit(place.partition, event as DiamondsMoved);
  }

  private wrongCredit({ found, expected }: WrongCredit): void {
    const detail = `${found.data.millidiamonds} millidiamonds for ${found.data.giftId}, which comes to ${expected}`;
    this.find('credits', 'credit_differs', found.id, detail);
  }

  private nameCreditsWithoutGift(): void {
    const without = this.credits?.withoutGift ?? new Map<string, DiamondsMoved>();
    if (without.size === 0) return;
    const named = [...without.values()].slice(0, CREDITS_NAMED).map(({ id }) => id);
    const rest = without.size > named.length ? `, and ${without.size - named.length} more` : '';
    this.stop('credits_not_recomputed', `their gifts are not in the bundle: ${named.join(', ')}${rest}`);
  }

  private expect(subject: string, found: string, expected: string): void {
    if (found !== expected)
      this.find('seals', 'expected_differs', subject, `${found}, the manifest expects ${expected}`);
  }

  private find(
    pass: Finding['pass'],
    code: string,
    subject: string,
    detail: string,
    position?: Finding['position'],
  ): void {
    this.add({ pass, code, subject, detail, ...(position && { position }) });
  }

  private add(finding: Finding): void {
    this.findingsTotal += 1;
    if (this.findings.length < FINDINGS_NAMED) this.findings.push(finding);
  }
}
