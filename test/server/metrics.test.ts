/** What Prometheus is told, of a real server. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBundle } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { type RunningServer, type ServerParts, startServer } from '../../src/server/server.ts';
import { type ServerSettingsInput, serverSettingsSchema } from '../../src/server/settings.ts';
import { readScrape, type Scrape, sampleOf, seriesOf } from '../support/prometheus.ts';
import { CAPTIONS, exchange, PHOTO, post } from './harness.ts';

const MODULE = new URL('../model/saboteur.ts', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

function start(settings: ServerSettingsInput = {}, parts: Pick<ServerParts, 'workers'> = {}) {
  return startServer({
    model: DEFAULT_BUNDLE,
    settings: serverSettingsSchema.parse({ port: 0, workers: 1, ...settings }),
    ...parts,
  });
}

async function startFor(t: TestContext, ...args: Parameters<typeof start>): Promise<RunningServer> {
  const server = await start(...args);
  t.after(() => server.stop());
  return server;
}

async function scrape({ url }: Pick<RunningServer, 'url'>): Promise<Scrape> {
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return readScrape(await response.text());
}

/** By how much series have grown while `run` ran. */
async function growth(server: RunningServer, run: () => Promise<unknown>) {
  const before = await scrape(server);
  await run();
  const after = await scrape(server);
  return (series: string) => sampleOf(after, series) - sampleOf(before, series);
}

describe('GET /metrics', () => {
  let server: RunningServer;
  before(async () => {
    server = await start({ queue: 4 });
  });
  after(() => server.stop());

  it('counts and times requests, images and stages', async () => {
    const grown = await growth(server, async () => {
      for (let i = 0; i < 3; i++) assert.equal((await post(server.url)).status, 200);
      const form = new FormData();
      for (const name of ['secret-one.jpg', 'secret-two.jpg']) {
        form.append('image', new Blob([new Uint8Array(PHOTO)]), name);
      }
      form.append('image', new Blob(['no image']), 'secret-three.txt');
      assert.equal((await fetch(`${server.url}/captions`, { method: 'POST', body: form })).status, 200);
      assert.equal((await post(server.url, 'no image')).status, 415);
    });
    const route = 'method="POST",route="/captions"';
    assert.equal(grown(`http_requests_total{${route},status="200"}`), 4);
    assert.equal(grown(`http_requests_total{${route},status="415"}`), 1);
    assert.equal(grown(`http_request_duration_seconds_count{${route},status_class="2xx"}`), 4);
    assert.equal(grown(`http_request_duration_seconds_count{${route},status_class="4xx"}`), 1);
    const took = grown(`http_request_duration_seconds_sum{${route},status_class="2xx"}`);
    assert.ok(took > 0.01 && took < 30, `${took} s`);
    assert.equal(grown('http_problems_total{code="UnsupportedImage"}'), 1);
    assert.equal(grown('show_and_tell_images_captioned_total{source="http"}'), 5);
    assert.equal(grown('show_and_tell_images_failed_total{source="http",code="UnsupportedImage"}'), 2);
    for (const stage of ['decode', 'preprocess', 'encode', 'search', 'total']) {
      assert.equal(grown(`show_and_tell_stage_duration_seconds_count{stage="${stage}"}`), 5, stage);
      assert.ok(grown(`show_and_tell_stage_duration_seconds_sum{stage="${stage}"}`) > 0, stage);
    }
  });

  it('says which program and which model run, and how the process is', async () => {
    const { samples, types } = await scrape(server);
    const { manifest, hash } = await readBundle(DEFAULT_BUNDLE);
    const info = `version="${version}",model="${manifest.name}",model_hash="${hash}",execution_provider="cpu"`;
    assert.equal(samples.get(`show_and_tell_info{${info}}`), 1);
    assert.ok(samples.get('process_resident_memory_bytes')! > 50e6);
    assert.ok(types.has('nodejs_eventloop_lag_seconds') && types.has('nodejs_gc_duration_seconds'));
  });

  it('has the metrics that docs/operations.md tells, and no other of its own', async () => {
    const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const rows = text.slice(text.indexOf('## The server')).match(/^\| `.*? \|/gm) ?? [];
    const told = rows.flatMap((row) => row.match(/\b(?:http|show_and_tell)_\w+/g) ?? []);
    const own = [...(await scrape(server)).types.keys()].filter((name) =>
      /^(http|show_and_tell)_/.test(name),
    );
    assert.deepEqual(told.sort(), own.sort());
  });

  it('has one label for all addresses and methods that clients invent', async () => {
    const before = await scrape(server);
    for (let i = 0; i < 30; i++) await fetch(`${server.url}/invented-${i}?q=${i}`);
    const once = await scrape(server);
    assert.equal(
      sampleOf(once, 'http_requests_total{method="GET",route="other",status="404"}') -
        sampleOf(before, 'http_requests_total{method="GET",route="other",status="404"}'),
      30,
    );
    for (const method of ['PROPFIND', 'MKCOL', 'LOCK', 'PURGE']) {
      await fetch(`${server.url}/invented`, { method });
    }
    const after = await scrape(server);
    assert.equal(sampleOf(after, 'http_requests_total{method="other",route="other",status="404"}'), 4);
    const ofUnknown = seriesOf(after, 'http_requests_total').filter((series) => /route="other"/.test(series));
    assert.equal(ofUnknown.length, 2, ofUnknown.join());
    assert.equal([...after.samples.keys()].filter((series) => series.includes('invented')).length, 0);
  });

  it('counts what is refused before the app sees it, and does not time that', async () => {
    const port = Number(new URL(server.url).port);
    const grown = await growth(server, async () => {
      await exchange(port, { send: ['nonsense\r\n\r\n'] }, 1);
      await exchange(port, { send: ['GET /health HTTP/1.1\r\nHost: here\r\nExpect: cake\r\n\r\n'] }, 1);
    });
    assert.equal(grown('http_requests_total{method="other",route="other",status="400"}'), 1);
    assert.equal(grown('http_requests_total{method="GET",route="/health",status="417"}'), 1);
    assert.equal(grown('http_problems_total{code="MalformedRequest"}'), 1);
    assert.equal(grown('http_problems_total{code="ExpectationFailed"}'), 1);
    assert.equal(
      grown('http_request_duration_seconds_count{method="GET",route="/health",status_class="4xx"}'),
      0,
    );
  });

  it('tells nothing of images, captions, queries and names', async () => {
    await post(server.url);
    await fetch(`${server.url}/captions?bannedWords=unmistakable`, { method: 'POST', body: PHOTO });
    const text = await (await fetch(`${server.url}/metrics`)).text();
    assert.ok(readScrape(text).samples.size > 100);
    assert.doesNotMatch(text, /secret|unmistakable|coffee/);
    assert.ok(!text.includes(CAPTIONS[0]!.text));
  });

  it('is not kept by caches, may be compressed, and stands in the OpenAPI document', async () => {
    const response = await fetch(`${server.url}/metrics`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    readScrape(await response.text());
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: object };
    assert.ok('/metrics' in document.paths);
  });
});

describe('the workers’ metrics', () => {
  it('tell how many work, how many images wait, and when there is no place for more', async (t) => {
    const server = await startFor(
      t,
      { workers: 2, queue: 1 },
      { workers: { module: MODULE, hangMs: 1_000 } },
    );
    const idle = await scrape(server);
    const gauges = (of: Scrape) =>
      ['workers_alive', 'workers_busy', 'images_waiting', 'images_pending'].map((name) =>
        sampleOf(of, `show_and_tell_${name}`),
      );
    assert.deepEqual(gauges(idle), [2, 0, 0, 0]);
    assert.equal(sampleOf(idle, 'show_and_tell_workers_configured'), 2);
    assert.equal(sampleOf(idle, 'show_and_tell_images_waiting_limit'), 1);
    const hang = () =>
      fetch(`${server.url}/captions?bannedWords=hang+natively`, {
        method: 'POST',
        headers: { 'content-type': 'image/jpeg' },
        body: new Uint8Array(PHOTO),
      });
    const hung = [hang(), hang()];
    await sleep(200);
    const waiting = post(server.url);
    await sleep(100);
    const busy = await scrape(server);
    assert.deepEqual(gauges(busy), [2, 2, 1, 3]);
    assert.equal(sampleOf(busy, 'http_requests_in_progress'), 4);
    assert.equal((await post(server.url)).status, 503);
    for (const answer of await Promise.all(hung)) assert.equal(answer.status, 503);
    assert.equal((await waiting).status, 200);
    const after = await scrape(server);
    assert.equal(sampleOf(after, 'http_problems_total{code="Overloaded"}'), 1);
    assert.equal(sampleOf(after, 'http_problems_total{code="CaptionerHung"}'), 2);
    assert.equal(sampleOf(after, 'show_and_tell_images_failed_total{source="http",code="CaptionerHung"}'), 2);
  });
});

describe('a port of its own for metrics', () => {
  it('has them and nothing else, and the port for everybody has not', async (t) => {
    const server = await startFor(t, { metricsPort: 0 });
    assert.ok(server.metricsUrl !== undefined && server.metricsUrl !== `${server.url}/metrics`);
    const { origin, pathname } = new URL(server.metricsUrl);
    assert.equal(pathname, '/metrics');
    await post(server.url);
    const found = await scrape({ url: origin });
    assert.equal(sampleOf(found, 'http_requests_total{method="POST",route="/captions",status="200"}'), 1);
    for (const path of ['/', '/captions', '/health', '/metrics/', '/nowhere']) {
      assert.equal((await fetch(`${origin}${path}`)).status, 404, path);
    }
    const posted = await fetch(server.metricsUrl, { method: 'POST', body: 'x' });
    assert.equal(posted.status, 405);
    const missing = await fetch(`${server.url}/metrics`);
    assert.deepEqual(
      [missing.status, ((await missing.json()) as { code: string }).code],
      [404, 'RouteNotFound'],
    );
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: object };
    assert.ok(!('/metrics' in document.paths));
  });

  it('is closed with the server', async () => {
    const server = await start({ metricsPort: 0 });
    assert.equal((await fetch(server.metricsUrl!)).status, 200);
    await server.stop();
    await assert.rejects(fetch(server.metricsUrl!));
  });
});
