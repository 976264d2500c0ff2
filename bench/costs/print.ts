/** The tables of docs/costs.md. */
import { PRICE_TABLE, STANDING_PRICES } from '../../src/bucket-run/prices.ts';
import {
  busyEnough,
  type CostAssumptions,
  costRows,
  GPU_MACHINE_PROCESSORS,
  gpuRateOf,
  HOURS_PER_MONTH,
  HTTP_MILLISECONDS,
  LOG_BYTES,
  S3_MILLISECONDS,
  totalOf,
  warmMonth,
} from './million.ts';
import { type BreakEven, breakEvens, DISK_GB, IMAGE_BYTES, imagesOf, waysOf } from './month.ts';
import { standingCosts, type Template } from './template.ts';

/** Images a second. */
const LOADS: [name: string, rate: number][] = [
  ['1/min', 1 / 60],
  ['1/s', 1],
  ['10/s', 10],
  ['30/s', 30],
  ['100/s', 100],
];
const { prices } = PRICE_TABLE;
const { prices: standing } = STANDING_PRICES;

const dollars = (amount: number) => amount.toFixed(2).padStart(9);

/** @param origin of the times, in words */
export function loadReport(assumptions: CostAssumptions, origin: string): string[] {
  return [
    ...million(assumptions),
    '',
    ...months(assumptions),
    '',
    ...cheapest(assumptions),
    '',
    ...notes(assumptions, origin),
  ];
}

function million(assumptions: CostAssumptions): string[] {
  return [
    `${'US dollars for a million images'.padEnd(38)}  compute requests       S3     logs    total`,
    ...costRows(assumptions).map((row) => {
      const { way, compute, requests, s3, logs } = row;
      return way.padEnd(36) + [compute, requests, s3, logs, totalOf(row)].map(dollars).join('');
    }),
  ];
}

function months(assumptions: CostAssumptions): string[] {
  const cell = (text: string) => text.padStart(10);
  return [
    'US dollars a month at a steady load'.padEnd(36) + LOADS.map(([name]) => cell(name)).join(''),
    ...waysOf(assumptions).map(
      ({ source, name, monthOf }) =>
        `${source}: ${name}`.padEnd(36) + LOADS.map(([, rate]) => cell(monthOf(rate).toFixed(2))).join(''),
    ),
  ];
}

function cheapest(assumptions: CostAssumptions): string[] {
  const found = breakEvens(waysOf(assumptions));
  const line = ({ way: { source, name }, from }: BreakEven, i: number) => {
    const isFirst = found.findIndex(({ way }) => way.source === source) === i;
    if (isFirst) return `${source}: ${name}`.padEnd(36) + 'below that'.padStart(12);
    const rates = [from, from * 3600, imagesOf(from) / 1e6];
    return (
      `${source}: ${name}`.padEnd(36) +
      [rates[0]!.toFixed(0), rates[1]!.toFixed(0), `${rates[2]!.toFixed(0)} million`]
        .map((text) => text.padStart(12))
        .join('')
    );
  };
  return [
    'The cheapest from this load on'.padEnd(36) +
      ['images/s', 'an hour', 'a month'].map((text) => text.padStart(12)).join(''),
    ...found.map(line),
  ];
}

function notes(assumptions: CostAssumptions, origin: string): string[] {
  const { milliseconds, decode, memory, architecture, gpuRate } = assumptions;
  const logs = Object.entries(LOG_BYTES).map(([whose, bytes]) => `${whose} ${bytes}`);
  return [
    `A caption: ${milliseconds.toFixed(1)} ms, ${decode.toFixed(1)} of them decoding (${origin}).`,
    `Around it: ${HTTP_MILLISECONDS} ms over HTTP; ${S3_MILLISECONDS} ms of waiting for S3. Both assumed.`,
    `Functions: ${memory} MB of ${architecture}. Log lines of an image, bytes: ${logs.join(', ')}.`,
    `One environment that is kept warm: ${warmMonth(assumptions).toFixed(2)} a month; cheaper than on demand when it works ` +
      `${Math.ceil(100 * busyEnough(assumptions))} % of the time.`,
    `GPU machine: g4dn.xlarge on demand, ${gpuRateOf(assumptions).toFixed(0)} images/s (` +
      `${gpuRate === null ? `as its ${GPU_MACHINE_PROCESSORS} processors decode, at best` : 'given'}), with a disk of ${DISK_GB} GB and a`,
    `load balancer, which charges for ${IMAGE_BYTES / 1000} kB an image over HTTP.`,
    'Not in it: uploads, storage, data transfer, cold starts, X-Ray, what Lambda asks an empty queue, taxes, any free',
    'tier; alarms, dashboard and options (--template).',
    priced(),
  ];
}

/** @param templates the name of each file is the head of its column */
export function standingReport(templates: readonly { file: string; template: Template }[]): string[] {
  const columns = templates.map(({ template }) => standingCosts(template));
  const rows = [...new Set(columns.flat().map(({ what }) => what))];
  const cell = (text: string) => text.padStart(16);
  const nameOf = (file: string) =>
    file.replace(/^.*\/(show-and-tell-)?/, '').replace(/\.template\.json$/, '');
  return [
    'US dollars a month, nothing captioned'.padEnd(40) +
      templates.map(({ file }) => cell(nameOf(file).slice(0, 15))).join(''),
    ...rows.map(
      (what) =>
        what.padEnd(40) +
        columns
          .map((costs) => costs.find((cost) => cost.what === what))
          .map((cost) => cell(cost === undefined ? '-' : `${cost.count}: ${cost.month.toFixed(2)}`))
          .join(''),
    ),
    'total'.padEnd(40) +
      columns.map((costs) => cell(costs.reduce((sum, { month }) => sum + month, 0).toFixed(2))).join(''),
    '',
    ...options(),
    '',
    'Not in it: stored objects and log lines, data transfer, taxes, any free tier.',
    priced(),
  ];
}

function options(): string[] {
  const month = (price: number) => (price * HOURS_PER_MONTH).toFixed(2);
  const million = (price: number) => (price * 1e6).toFixed(2);
  const s = standing;
  const rows: [option: string, month: string, more: string][] = [
    ['a metric of its own, while reported', s.metricMonth.toFixed(2), ''],
    ['events of results', '0.00', `${million(prices.event)} a million events`],
    ['a key of KMS', s.keyMonth.toFixed(2), `${million(s.keyRequest)} a million requests to it`],
    ['page: web ACL', s.webAclMonth.toFixed(2), `${million(s.webAclRequest)} a million requests`],
    ['page: each rule of it', s.webAclRuleMonth.toFixed(2), ''],
    ['page: CloudFront', '0.00', `${s.distributedGb} a GB`],
    ['network: NAT gateway with its address', month(s.natHour + s.publicAddressHour), `${s.natGb} a GB`],
    ['network: interface endpoint, each zone', month(s.endpointHour), `${s.endpointGb} a GB`],
    ['network: gateway endpoint to S3', '0.00', ''],
    ['GPU: load balancer', month(s.balancerHour), `${s.balancerUnitHour} an hour for 1 GB`],
    [
      'GPU: machine that never stops',
      month(prices.gpuHour + (DISK_GB * s.diskGbMonth) / HOURS_PER_MONTH),
      '',
    ],
  ];
  return [
    'Options'.padEnd(40) + 'a month'.padStart(16),
    ...rows.map(([option, fixed, more]) => `${option.padEnd(40)}${fixed.padStart(16)}  ${more}`.trimEnd()),
  ];
}

function priced(): string {
  return (
    `Prices of ${PRICE_TABLE.region}, ${PRICE_TABLE.date}, those of what stands or is optional ${STANDING_PRICES.date}; ` +
    'first tier (src/bucket-run/prices.ts).'
  );
}
