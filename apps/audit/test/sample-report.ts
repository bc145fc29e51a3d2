import { type AuditReport, type Finding, type PassResult, passes, type Totals } from '../src/verify/audit-report.js';

/** A small economy on three days, with every pass proven. */
export function provenReport(): AuditReport {
  const totals: Totals = {
    records: 1_240,
    repeats: 12,
    gifts: 410,
    creators: 37,
    giftCoins: 5_000_001n,
    earnedMillidiamonds: 2_500_000_500n,
    awardedMillidiamonds: 120_000_000n,
    adjustedMillidiamonds: -15_000_250n,
    reversedMillidiamonds: 40_000_000n,
    availableMillidiamonds: 1_855_000_251n,
    heldMillidiamonds: 200_000_000n,
    redeemedMillidiamonds: 510_000_000n,
    recoverableMillidiamonds: 1n,
  };
  return {
    log: 'journal 7f3c9a52-1d0e-4b5f-9c1e-2f6a8b7d4e10',
    positions: [
      { topic: 'gift.events.v1', partition: 0, offset: '611' },
      { topic: 'diamond.events.v1', partition: 0, offset: '428' },
    ],
    verdict: 'proven',
    passes: passes.map((pass) => provenPass(pass, 400)),
    findings: [],
    findingsTotal: 0,
    totals,
    days: [
      { date: '2026-11-20', issuedMillidiamonds: 1_100_000_500n, redeemedMillidiamonds: 0n },
      { date: '2026-11-21', issuedMillidiamonds: 1_500_000_000n, redeemedMillidiamonds: 210_000_000n },
      { date: '2026-11-24', issuedMillidiamonds: -35_000_250n, redeemedMillidiamonds: 300_000_000n },
    ],
    seals: { count: 3, lastSealedAt: '2026-11-24T19:00:00.000Z', keyIds: ['5e'.repeat(32)] },
  };
}

const provenPass = (pass: PassResult['pass'], checked: number): PassResult =>
  pass === 'journal'
    ? { pass, state: 'absent', checked: 0, findings: 0, reason: 'the journal is the log here' }
    : { pass, state: 'proven', checked, findings: 0 };

/** The same log with findings; their passes differ. */
export function differingReport(findings: readonly Finding[], findingsTotal = findings.length): AuditReport {
  const proven = provenReport();
  const found = Map.groupBy(findings, ({ pass }) => pass);
  return {
    ...proven,
    verdict: 'differs',
    passes: proven.passes.map((result) => {
      const count = found.get(result.pass)?.length ?? 0;
      return count === 0 ? result : { ...result, state: 'differs', findings: count };
    }),
    findings,
    findingsTotal,
  };
}

/** Two findings, as a finance person would meet them. */
export const twoFindings: readonly Finding[] = [
  {
    pass: 'credits',
    code: 'gift_not_credited',
    subject: 'gft_0199a2b4-7c00-8a11-9e02-6f1d2c3b4a59',
    position: { topic: 'gift.events.v1', partition: 0, offset: '317' },
    detail: 'expected 500 millidiamonds at rate half, found no credit',
  },
  {
    pass: 'balances',
    code: 'balance_differs',
    subject: 'creator-7',
    detail: 'expected earned 1500, found 1000',
  },
];

/** What somebody might write into the log who wants a reader's browser, spreadsheet or terminal to obey. */
export const hostileTexts = [
  '<script>globalThis.ran = true; alert(1)</script>',
  '<img src=x onerror="globalThis.ran = true">',
  `"><svg onload='globalThis.ran = true'>`,
  '</code></td></table></main><iframe src="https://evil.example/"></iframe>',
  '</style><link rel="stylesheet" href="https://evil.example/a.css">',
  '&lt;script&gt;globalThis.ran = true&lt;/script&gt;',
  '=HYPERLINK("https://evil.example/","click")',
  '+1+cmd|calc',
  '@SUM(1)',
  '| a | b |\n|---|---|\n<script>globalThis.ran = true</script>',
  'a\\|b ` <script>globalThis.ran = true</script> ``` \\` | x',
  '``` `` ` <img src="https://evil.example/x.png">',
  '![x](https://evil.example/x.png) [y](javascript:globalThis.ran=true) <https://evil.example> www.evil.example',
  '\u001b]0;owned\u0007\u001b[2J\u009b31m',
  'abc\u202ecod.exe \u2028 \ud800 \u0000',
];

/** A report in which everything that can come from outside is hostile. */
export function hostileReport(): AuditReport {
  const report = differingReport(
    hostileTexts.flatMap((text): Finding[] => [
      { pass: 'schema', code: text, subject: text, detail: text },
      { pass: 'dead-letters', code: 'dead_letter_open', subject: text, detail: text },
    ]),
  );
  const text = hostileTexts.join(' ');
  return {
    ...report,
    log: text,
    passes: report.passes.map((result) => ({ ...result, reason: text })),
    seals: { ...report.seals, keyIds: hostileTexts },
  };
}
