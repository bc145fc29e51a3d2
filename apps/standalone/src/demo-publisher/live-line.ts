export interface LiveFigures {
  readonly atMs: number;
  readonly credits: bigint;
  readonly earnedMillidiamonds: bigint;
  /** Records that some flow has yet to handle, over all hops. */
  readonly lagEvents: bigint;
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `gifts/s 72 · diamonds 1,234,567 · lag 3 events`. The rate needs an earlier look. */
export function liveLine(now: LiveFigures, before: LiveFigures | undefined): string {
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000;
  const rate =
    before === undefined || seconds <= 0 ? '–' : grouped.format(Number(now.credits - before.credits) / seconds);
  const lag = now.lagEvents < 0n ? 0n : now.lagEvents;
  const diamonds = grouped.format(now.earnedMillidiamonds / 1000n);
  return `gifts/s ${rate} · diamonds ${diamonds} · lag ${grouped.format(lag)} events`;
}
