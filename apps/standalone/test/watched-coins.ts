import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';

const EVERY_MS = 1_000;
/** Whoever looks must not be what the others wait for: of all the time it takes one part of so many. */
const SHARE = 5;

// One statement sees one moment. Of a purchase that stands, every coin is left, held by an open streak, or paid for a
// gift and not restored since; of one that was reversed, none is left or held.
const LOOK = `
  WITH held AS (
    SELECT s.viewer_id, (h->>'sequence')::int AS sequence, sum((h->>'coins')::bigint) AS coins
    FROM gift.streak s, json_array_elements(s.state->'held') h WHERE s.is_open GROUP BY 1, 2
  ), paid AS (
    SELECT viewer_id, lot_sequence AS sequence, sum(coins) AS coins FROM gift.payment GROUP BY 1, 2
  ), restored AS (
    SELECT r->>'source' AS source, r->>'purchaseId' AS purchase_id, sum((r->>'coins')::bigint) AS coins
    FROM journal.log_record, jsonb_array_elements(convert_from(value, 'UTF8')::jsonb#>'{data,lots}') r
    WHERE topic = 'coin.events.v1' GROUP BY 1, 2
  )
  SELECT coalesce(sum(h.coins), 0)::int AS held, count(*) FILTER (WHERE CASE WHEN l.reversed_at IS NULL
    THEN l.coins_left + coalesce(h.coins, 0) + coalesce(p.coins, 0) - coalesce(r.coins, 0) <> l.coins
    ELSE l.coins_left <> 0 OR h.coins > 0 END)::int AS wrong
  FROM gift.lot l LEFT JOIN held h USING (viewer_id, sequence) LEFT JOIN paid p USING (viewer_id, sequence)
  LEFT JOIN restored r USING (source, purchase_id)`;

/** What was seen of the coins of all viewers, moment by moment. */
export interface SeenCoins {
  /** Moments at which streaks held coins. */
  readonly whileHeld: number;
  /** Lots of which coins were missing or there twice, summed over all moments. */
  readonly wrong: number;
}

/** Looks at the coins again and again, on a connection of its own, while `work` goes on. */
export async function watchCoins(url: string, work: () => Promise<void>): Promise<SeenCoins> {
  const db = await new DataSource({ type: 'postgres', url, poolSize: 1 }).initialize();
  let [whileHeld, wrong, isOver] = [0, 0, false];
  const watching = (async () => {
    while (!isOver) {
      const startedMs = performance.now();
      const [seen] = (await db.query(LOOK)) as [{ held: number; wrong: number }];
      whileHeld += Number(seen.held > 0);
      wrong += seen.wrong;
      await sleep(EVERY_MS + (SHARE - 1) * (performance.now() - startedMs));
    }
  })();
  await work().finally(() => {
    isOver = true;
  });
  await watching;
  await db.destroy();
  return { whileHeld, wrong };
}
