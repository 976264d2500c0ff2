/** What clients saw against what the server says that it did: its metrics, and its access log. */
import { type Scrape, sampleOf, seriesOf } from '../support/prometheus.ts';
import { fault, type Tally } from './tally.ts';

/** What may be told of a client that left: it was too late, in time, or amid the body of a request that thus is broken. */
const OF_LEAVERS = ['200', '499', '400'];

/** @returns lines that sum it up */
export function books(tally: Tally, logged: ReadonlyMap<string, number>, scrape: Scrape): string[] {
  const counted = new Map(
    seriesOf(scrape, 'http_requests_total')
      .filter((series) => series.includes('method="POST",route="/captions"'))
      .map((series) => [/status="(\d+)"/.exec(series)![1]!, sampleOf(scrape, series)]),
  );
  let ofLeavers = 0;
  for (const status of new Set([...counted.keys(), ...tally.statuses.keys(), ...logged.keys()])) {
    const [server, log, seen] = [counted, logged, tally.statuses].map((of) => of.get(status) ?? 0) as [
      number,
      number,
      number,
    ];
    if (server !== log) fault(tally, `status ${status}: ${server} in the metrics, ${log} in the log`);
    const more = server - seen;
    ofLeavers += more;
    if (more < 0 || (more > 0 && !OF_LEAVERS.includes(status))) {
      fault(tally, `status ${status}: ${server} in the metrics, clients saw ${seen}`);
    }
  }
  const { closed, reset } = tally.left;
  // A reset may overtake the request.
  if (ofLeavers < closed || ofLeavers > closed + reset) {
    fault(tally, `${closed} closed and ${reset} reset connections, of which the server counts ${ofLeavers}`);
  }
  checkCodes(tally, scrape, counted.get('400') ?? 0);
  const captioned = sampleOf(scrape, 'show_and_tell_images_captioned_total{source="http"}');
  const wasted = captioned - 1 - tally.captioned;
  const served = counted.get('200')! - (tally.statuses.get('200') ?? 0);
  // An image that a worker has is finished, whoever has left.
  if (wasted < 0 || wasted > served) {
    fault(tally, `${captioned - 1} images captioned, clients have ${tally.captioned}`);
  }
  return [
    `clients: ${sorted(tally.kinds)}`,
    `answers: ${sorted(tally.statuses)}; problems: ${sorted(tally.codes)}`,
    `left: ${closed} closed, ${reset} reset; the server says ${sorted(counted)}`,
    `captioned: ${tally.captioned} for clients who stayed, ${wasted} for others`,
    `slowest answer: ${(tally.slowest / 1000).toFixed(1)} s`,
  ];
}

function checkCodes(tally: Tally, scrape: Scrape, badRequests: number): void {
  const leaversBad = badRequests - (tally.statuses.get('400') ?? 0);
  for (const series of seriesOf(scrape, 'http_problems_total')) {
    const code = /code="(\w+)"/.exec(series)![1]!;
    const more = code === 'MalformedRequest' ? leaversBad : 0;
    const [server, seen] = [sampleOf(scrape, series) - more, tally.codes.get(code) ?? 0];
    if (server !== seen) fault(tally, `${code}: ${server} in the metrics, clients saw ${seen}`);
  }
}

const sorted = (counts: ReadonlyMap<string, number>) =>
  [...counts]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, n]) => `${name} ${n}`)
    .join(', ');
