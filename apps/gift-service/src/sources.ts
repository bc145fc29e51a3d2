import { type Coins, coins } from '@carat/amounts';
import { Id } from '@carat/events';
import { z } from 'zod';

/** What an upstream source may do. */
export interface Registration {
  /** True when its word is taken that a gift was paid for elsewhere. */
  readonly attestExternal: boolean;
  /** The most coins it may attest in one UTC day of receipt. Absent: no limit. */
  readonly dailyCoinCap?: Coins;
}

/** The registered upstream sources by name; `*` stands for every source without an entry of its own. */
export type Sources = ReadonlyMap<string, Registration>;

/** What a source may do, or undefined when nobody registered it. */
export const registrationOf = (sources: Sources, source: string): Registration | undefined =>
  sources.get(source) ?? sources.get('*');

/** True when what a source attests is counted. */
export const isCapped = (sources: Sources, source: string): boolean =>
  registrationOf(sources, source)?.dailyCoinCap !== undefined;

const Registrations = z.record(
  Id,
  z.strictObject({ attestExternal: z.boolean().default(false), dailyCoinCap: z.int().min(0).optional() }),
);

const EXPECTED = 'JSON like {"/live-platform": {"attestExternal": true, "dailyCoinCap": 100000000}}';

function parseJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: `expected ${EXPECTED}` });
    return z.NEVER;
  }
}

/** The variable SOURCES: JSON text in, registrations out. */
export const SourcesVariable = z
  .string({ error: `required: ${EXPECTED}` })
  .transform(parseJson)
  .pipe(Registrations)
  .transform(
    (registrations): Sources =>
      new Map(
        Object.entries(registrations).map(([source, { attestExternal, dailyCoinCap }]) => [
          source,
          { attestExternal, ...(dailyCoinCap === undefined ? {} : { dailyCoinCap: coins(dailyCoinCap) }) },
        ]),
      ),
  );
