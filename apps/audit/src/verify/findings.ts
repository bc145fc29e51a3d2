import type { Position } from '@carat/event-log';
import { type LogPosition, positionOnAnswer } from '@carat/events';
import { type Finding, type Pass, passes } from './audit-report.js';

/** How many findings of one pass are kept by name. */
const MOST_NAMED = 1_000;

/** What passes found and how much they looked at. */
export class Findings {
  private readonly named = new Map<Pass, Finding[]>();
  private readonly found = new Map<Pass, number>();
  private readonly looked = Object.fromEntries(passes.map((pass) => [pass, 0])) as Record<Pass, number>;

  /** A pass looked at so many more records, rows or seals. */
  checked(pass: Pass, count = 1): void {
    this.looked[pass] += count;
  }

  add(pass: Pass, code: string, subject: string, detail: string, position?: Position | LogPosition): void {
    this.found.set(pass, (this.found.get(pass) ?? 0) + 1);
    const named = this.named.get(pass) ?? [];
    this.named.set(pass, named);
    if (named.length >= MOST_NAMED) return;
    const at = position && { position: positionOnAnswer({ ...position, offset: BigInt(position.offset) }) };
    named.push({ pass, code, subject, detail, ...at });
  }

  /** Takes what others found into these. */
  merge({ named, found, looked }: FoundByAnother): void {
    for (const pass of passes) this.checked(pass, looked[pass]);
    for (const [pass, count] of found) this.found.set(pass, (this.found.get(pass) ?? 0) + count);
    for (const [pass, findings] of named)
      this.named.set(pass, [...(this.named.get(pass) ?? []), ...findings].slice(0, MOST_NAMED));
  }

  /** As plain data, to be sent between threads. */
  plain(): FoundByAnother {
    return { named: this.named, found: this.found, looked: this.looked };
  }

  of(pass: Pass): { readonly findings: number; readonly checked: number; readonly named: readonly Finding[] } {
    return {
      findings: this.found.get(pass) ?? 0,
      checked: this.looked[pass],
      named: this.named.get(pass) ?? [],
    };
  }
}

export interface FoundByAnother {
  readonly named: ReadonlyMap<Pass, readonly Finding[]>;
  readonly found: ReadonlyMap<Pass, number>;
  readonly looked: Readonly<Record<Pass, number>>;
}
