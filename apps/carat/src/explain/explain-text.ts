import type { Explanation, Step } from '@carat/audit/explain';
import Table from 'cli-table3';
import { UNFRAMED } from '../unframed.js';

// Reasons are people's own words, and a foreign writer's events hold anything: a terminal must not obey them.
const inert = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');

const AGREES = {
  equal: 'recomputed: the same',
  differs: 'RECOMPUTED: DIFFERS',
  no_rate: 'RECOMPUTED: THERE IS NO SUCH RATE',
  unknown: 'not recomputed',
} as const;

function linesOf({ step, id, sentence, detail, by, at, arithmetic, moved }: Step, index: number): string[] {
  const more = [
    sentence,
    detail,
    arithmetic &&
      `${arithmetic.formula}; rounding ${arithmetic.rate.rounding}, rate ${arithmetic.rate.id}; ` +
        `${AGREES[arithmetic.recomputed]}, by the ${arithmetic.against === 'rate' ? 'rate' : 'whole rate book'}`,
    moved && `transfer ${moved.code}: ${moved.millidiamonds} millidiamonds from ${moved.debit} to ${moved.credit}`,
    by && `by ${by.join(' and ')}`,
    at && `at ${at}`,
  ].filter((line) => line !== undefined);
  return [`${index + 1}. ${step} ${id}`, ...more.map((line) => `   ${line}`)];
}

/** Where each step stands in the log. */
function evidenceOf(steps: readonly Step[]): string[] {
  const table = new Table({ head: ['', 'position', 'recorded at', 'event', 'record hash'], ...UNFRAMED });
  for (const [index, { evidence }] of steps.entries()) {
    if (evidence === undefined) continue;
    const { position, recordedAt, eventId, recordHash = '' } = evidence;
    const place = `${position.topic}/${position.partition} at ${position.offset}`;
    table.push([`${index + 1}.`, place, recordedAt, eventId, recordHash]);
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** An explanation for people: the way step by step, then where the log says so, then what is not known. */
export function textOfExplanation({ id, kind, about, creatorId, sentence, steps, notKnown }: Explanation): string {
  const lines = [
    `${kind} ${about} of ${creatorId}${id === about ? '' : `, asked for by ${id}`}`,
    sentence,
    '',
    ...steps.flatMap(linesOf),
    '',
    ...evidenceOf(steps),
    ...(notKnown.length === 0 ? [] : ['']),
    ...notKnown.map((missing) => `not known: ${missing.sentence}`),
  ];
  return lines.map(inert).join('\n');
}
