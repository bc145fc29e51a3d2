import { areaY, axisX, axisY, gridY, lineY, plot, ruleY } from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Day } from '../verify/audit-report.js';
import { byDay } from './figures.js';

/**
 * The running totals at one midnight, as numbers: this is a picture. The exact amounts stand in the table below it.
 */
interface Point {
  readonly at: Date;
  readonly issued: number;
  readonly redeemed: number;
}

const DAY_MS = 86_400_000;
/** Fewer days than this get a mark each, not one for every few hours. */
const FEW_DAYS = 10;

/**
 * The running totals of a log as an SVG element: issued as a solid line, redeemed as a dashed one, what lies between
 * them shaded. It holds no style of its own: the page gives `--issued`, `--redeemed` and `--outstanding` their colors.
 */
export function chartOf(days: readonly Day[], label: string): string {
  const points = pointsOf(days);
  const { document } = parseHTML('<html></html>');
  const svg = plot({
    document,
    width: 760,
    height: 300,
    marginLeft: 56,
    ariaLabel: label,
    x: { type: 'utc' },
    y: { nice: true, zero: true },
    marks: [
      gridY(),
      axisX({ label: null, ...(days.length < FEW_DAYS ? { ticks: 'day' } : {}) }),
      axisY({ label: 'diamonds', tickFormat: compact }),
      areaY(points, { x: 'at', y1: 'redeemed', y2: 'issued', fill: 'var(--outstanding)' }),
      ruleY([0]),
      lineY(points, { x: 'at', y: 'issued', stroke: 'var(--issued)', strokeWidth: 2.5 }),
      lineY(points, { x: 'at', y: 'redeemed', stroke: 'var(--redeemed)', strokeWidth: 2.5, strokeDasharray: '6 3' }),
    ],
  });
  // The page's policy allows one style sheet, which is the page's.
  svg.querySelector('style')?.remove();
  svg.setAttribute('role', 'img');
  return svg.outerHTML;
}

/** Where each day begins and where it ends, so that a day on which nothing moved is flat and not a slope. */
function pointsOf(days: readonly Day[]): Point[] {
  return byDay(days).flatMap(({ name, issued, redeemed, issuedToDate, redeemedToDate }) => [
    pointOf(Date.parse(name), issuedToDate - issued, redeemedToDate - redeemed),
    pointOf(Date.parse(name) + DAY_MS, issuedToDate, redeemedToDate),
  ]);
}

const pointOf = (atMs: number, issued: bigint, redeemed: bigint): Point => ({
  at: new Date(atMs),
  issued: Number(issued) / 1000,
  redeemed: Number(redeemed) / 1000,
});

/** `1.5M`: what fits beside an axis. */
const compact = (diamonds: number): string =>
  diamonds.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 2 });
