/** Reads Prometheus' text format 0.0.4, and refuses what its documentation does not allow. */
import assert from 'node:assert/strict';

export interface Scrape {
  /** By the series as it is written, its labels in their order: `http_requests_total{method="GET"}`. */
  samples: Map<string, number>;
  /** Kind of each metric. */
  types: Map<string, string>;
}

const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"`;
/** Values are what Go's ParseFloat reads, to which Nan is NaN. */
const SAMPLE = new RegExp(
  String.raw`^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>(?:${LABEL})(?:,${LABEL})*)\})? (?<value>[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|Inf)|[Nn]a[Nn])$`,
);
const COMMENT = /^# (?<kind>HELP|TYPE) (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<text>.+)$/;
const TYPE = /^(counter|gauge|histogram|summary|untyped)$/;
const OF_A_HISTOGRAM = /_(bucket|sum|count)$/;

/** @throws AssertionError with the line that is wrong */
export function readScrape(text: string): Scrape {
  assert.ok(text.endsWith('\n'), 'the last line does not end');
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  const helped = new Set<string>();
  for (const line of text.split('\n').filter((line) => line !== '')) {
    const { kind, name: told, text: said } = COMMENT.exec(line)?.groups ?? {};
    if (kind === 'HELP') {
      assert.ok(!helped.has(told!), `twice: ${line}`);
      helped.add(told!);
    } else if (kind === 'TYPE') {
      assert.ok(!types.has(told!), `twice: ${line}`);
      assert.match(said!, TYPE);
      types.set(told!, said!);
    } else {
      const { name, labels = '', value } = SAMPLE.exec(line)?.groups ?? assert.fail(`no sample: ${line}`);
      const family = types.has(name!) ? name! : name!.replace(OF_A_HISTOGRAM, '');
      assert.ok(types.has(family) && helped.has(family), `without a type or help: ${line}`);
      const series = labels === '' ? name! : `${name}{${labels}}`;
      assert.ok(!samples.has(series), `twice: ${line}`);
      samples.set(series, Number(value!.replace('Inf', 'Infinity')));
    }
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, samples);
  return { samples, types };
}

/** Buckets never fall, and the last one is the count. */
function checkHistogram(name: string, samples: ReadonlyMap<string, number>): void {
  const highest = new Map<string, number>();
  for (const [series, value] of samples) {
    if (!series.startsWith(`${name}_bucket{`)) continue;
    const labels = series
      .slice(name.length + '_bucket'.length)
      .replace(/le="[^"]*",?/, '')
      .replace(/,\}$/, '}');
    assert.ok(value >= (highest.get(labels) ?? 0), `falls: ${series}`);
    highest.set(labels, value);
  }
  for (const [labels, value] of highest) {
    const count = samples.get(`${name}_count${labels === '{}' ? '' : labels}`);
    assert.equal(count, value, `${name}${labels}`);
  }
}

/** The value of one series; 0 where it is not there yet. */
export function sampleOf({ samples }: Scrape, series: string): number {
  return samples.get(series) ?? 0;
}

/** The series of one metric. */
export function seriesOf({ samples }: Scrape, name: string): string[] {
  return [...samples.keys()].filter((series) => series.split('{')[0] === name);
}
