import { type Replayed, shadowOf } from '@carat/audit/replay';

type Row = Replayed['difference']['first'][number];

/** What differs of a row, column by column: as it is, and as the log gives it. */
function textOfRow({ subject, found, expected }: Row): string {
  if (found === null) return `missing    ${subject}: ${JSON.stringify(expected)}`;
  if (expected === null) return `unexpected ${subject}: ${JSON.stringify(found)}`;
  const changed = Object.keys(expected).filter((column) => found[column] !== expected[column]);
  const said = changed.map((column) => `${column} is ${found[column]}, the log gives ${expected[column]}`);
  return `differs    ${subject}: ${said.join('; ')}`;
}

/** The answer for people: both digests, what differs by name, and how it would be repaired. */
export function textOfReplay(replayed: Replayed): string {
  const { name, live, shadow, difference, planHash, positions, leftOut, equal, records } = replayed;
  const hidden = difference.count - difference.first.length;
  return [
    `${name}: ${equal ? 'what is in use is' : `${difference.count} rows are not`} what the log gives`,
    '',
    `in use     ${live.digest}  ${live.rows} rows`,
    `replayed   ${shadow.digest}  ${shadow.rows} rows, ${records} records read by this run`,
    ...difference.first.map(textOfRow),
    ...(hidden > 0 ? [`and ${hidden} more`] : []),
    ...leftOut.first.map(
      ({ topic, partition, offset, code, detail }) =>
        `left out   ${topic}/${partition} at ${offset}: ${code}: ${detail}`,
    ),
    ...(leftOut.count > leftOut.first.length ? [`left out   ${leftOut.count - leftOut.first.length} more`] : []),
    ...Object.entries(positions).map(([topic, nexts]) => `at         ${topic} ${(nexts ?? []).join(' ')}`),
    ...(difference.count === 0
      ? [`The shadow stays in ${shadowOf(name)}: --from snapshot goes on from it, --drop removes it.`]
      : [`To repair these rows: carat audit replay ${name} --swap --plan ${planHash} --reason …`]),
  ].join('\n');
}
