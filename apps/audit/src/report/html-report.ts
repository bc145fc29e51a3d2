import { sha256 } from '../seals/digest.js';
import type { AuditReport, Day } from '../verify/audit-report.js';
import { chartOf } from './chart.js';
import { type Block, contentOf, REPORT_TITLE, type ReportOrigin, type Table, type Text } from './report-content.js';

/** Markup that `html` made. Everything else is text. */
class Markup {
  constructor(readonly text: string) {}
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

type Part = string | Markup | readonly Markup[];

/** A piece of a page. Whatever is put into it is escaped, unless it is a piece of a page itself. */
function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const written = parts.map((part) => {
    if (typeof part === 'string') return escaped(part);
    return part instanceof Markup ? part.text : part.map(({ text }) => text).join('\n');
  });
  return new Markup(String.raw({ raw: strings }, ...written));
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --soft: #595959; --line: #c8c8c8; --band: #f4f4f4;
  --issued: #0b5cad; --redeemed: #a84300; --outstanding: #0b5cad1f; --proven: #0a6b2d; --differs: #b00020;
  --open: #7a5200; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #161616; --soft: #b4b4b4; --line: #4a4a4a;
  --band: #232323; --issued: #7ab8ff; --redeemed: #ffab70; --outstanding: #7ab8ff2e; --proven: #5fd38a;
  --differs: #ff8a94; --open: #f0c060; } }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin-bottom: 0.5rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3 { margin-top: 1.75rem; }
.verdict { padding: 0.75rem 1rem; border-left: 0.4rem solid var(--open); background: var(--band); font-size: 1.15rem; }
.verdict p { margin: 0; } .verdict.proven { border-color: var(--proven); }
.verdict.differs { border-color: var(--differs); }
.table { overflow-x: auto; margin: 1rem 0; } table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); padding-bottom: 0.25rem; }
th, td { padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td:not(.number) { min-width: 7rem; } tbody th { font-weight: inherit; }
thead th { border-bottom: 2px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.sum > * { font-weight: 700; border-top: 2px solid var(--ink); border-bottom: 3px double var(--ink); }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
figure { margin: 1rem 0; } figure svg { display: block; width: 100%; height: auto; } figcaption { color: var(--soft); }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --soft: #444; --line: #999; --band: #f4f4f4;
  --issued: #0b5cad; --redeemed: #a84300; --outstanding: #0b5cad1f; --proven: #0a6b2d; --differs: #b00020;
  --open: #7a5200; } thead { display: table-header-group; } tr, figure { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; } .table { overflow-x: visible; } }
`;

/** Nothing is loaded, nothing runs, and only the one style sheet counts, by its digest. */
const POLICY = [
  `default-src 'none'`,
  `style-src 'sha256-${Buffer.from(sha256(STYLE), 'latin1').toString('base64')}'`,
  `base-uri 'none'`,
  `form-action 'none'`,
].join('; ');

/** The report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. */
export function htmlOfReport(report: AuditReport, origin: ReportOrigin): string {
  const [verdict, ...rest] = contentOf(report, origin).map((block) => blockOf(block, report.days));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${REPORT_TITLE}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<h1>${REPORT_TITLE}</h1>
<div class="verdict ${report.verdict}" role="note">${verdict ?? ''}</div>
${rest}
</main>
</body>
</html>
`.text;
}

function blockOf(block: Block, days: readonly Day[]): Markup {
  switch (block.kind) {
    case 'heading':
      return block.level === 2 ? html`<h2>${block.text}</h2>` : html`<h3>${block.text}</h3>`;
    case 'paragraph':
      return html`<p>${new Markup(block.texts.map((text) => textOf(text).text).join(''))}</p>`;
    case 'chart':
      return figureOf(block.title, days);
    case 'table':
      return tableOf(block);
    default:
      return block satisfies never;
  }
}

const textOf = (text: Text): Markup => (typeof text === 'string' ? html`${text}` : html`<code>${text.quoted}</code>`);

const figureOf = (title: string, days: readonly Day[]): Markup => html`<figure>
${new Markup(chartOf(days, `${title}. The table that follows has the figures.`))}
<figcaption>${title}. Solid line: issued. Dashed line: redeemed. Shaded: issued and not redeemed.</figcaption>
</figure>`;

function tableOf({ caption, columns, rows, sums = [] }: Table): Markup {
  const classOf = (column: number): Markup => (columns[column]?.isNumber ? html` class="number"` : html``);
  const head = columns.map(({ name }, column) => html`<th scope="col"${classOf(column)}>${name}</th>`);
  const lines = rows.map((row, index) => {
    const cells = row.map((text, column) =>
      column === 0
        ? html`<th scope="row"${classOf(column)}>${textOf(text)}</th>`
        : html`<td${classOf(column)}>${textOf(text)}</td>`,
    );
    return html`<tr${sums.includes(index) ? html` class="sum"` : html``}>${cells}</tr>`;
  });
  return html`<div class="table"><table>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${lines}
</tbody>
</table></div>`;
}
