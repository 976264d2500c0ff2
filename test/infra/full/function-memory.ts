/**
 * The packed HTTP function in each memory, in a control group of that size: how fast it starts and captions, and what
 * becomes of the largest image of each kind, in a file of as many bytes as are read. None may end it: memory that is not
 * there is told from a header. `node --test test/infra/full/function-memory.ts` prints the table of docs/operations.md.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { median } from '../../../bench/shared/statistics.ts';
import { assembleFunctions } from '../../../infra/functions/function-code.ts';
import { DEFAULT_MAX_OBJECT_BYTES } from '../../../src/aws/places.ts';
import { DEFAULT_BUNDLE } from '../../../src/model/load.ts';
import { imageOf, KINDS, largestOf, MEMORIES } from '../../model/memory/largest-images.ts';
import { type FakeS3, startFakeS3 } from '../../support/aws/fake-s3.ts';
import { type LambdaFunction, startFunction } from '../../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../../support/samples.ts';
import { type LimitedGroup, limitedGroup, peakOfFunction } from '../limits.ts';
import { httpEvent } from './http-event.ts';

/** Lambda's rate; the start has a whole processor in any case. */
const MB_PER_PROCESSOR = 1769;
const STARTS = 5;
const WARM_CAPTIONS = 30;
const BUCKET = 'images';
const LARGEST_MAX_OBJECT_BYTES = 256 << 20;

const work = mkdtempSync(join(tmpdir(), 'function-memory-'));
const code = join(work, 'code');
await assembleFunctions({ architecture: 'x86_64', modelDirectory: 'models/everyday' }, code);
const photograph = readFileSync(COFFEE);
const missing = limitedGroup({ megabytes: 512, processors: 1 });
missing?.remove();
const skip = missing === null && 'no control groups of version 1 here';
let store: FakeS3;

before(async () => {
  store = await startFakeS3([BUCKET]);
});
after(async () => {
  await store.close();
  rmSync(work, { recursive: true });
});

interface Answer {
  /** 0: the function ended. */
  status: number;
  code: string;
}

interface Environment {
  /** Until it answers its first request, ms. */
  start: number;
  ask(type: string, body: Buffer): Promise<Answer>;
  close(): Promise<void>;
}

async function startIn(memory: number, maxObjectBytes = DEFAULT_MAX_OBJECT_BYTES): Promise<Environment> {
  const share = memory / MB_PER_PROCESSOR;
  const group: LimitedGroup = limitedGroup({ megabytes: memory, processors: Math.max(1, share) })!;
  const running: LambdaFunction = await startFunction({
    directory: code,
    handler: 'http.handler',
    environment: {
      MODEL_DIR: 'model',
      ALLOWED_BUCKETS: BUCKET,
      MAX_OBJECT_BYTES: String(maxObjectBytes),
      AWS_ENDPOINT_URL_S3: store.url,
      ORT_DISABLE_TELEMETRY: '1',
      MALLOC_TRIM_THRESHOLD_: '131072',
    },
    memory,
  });
  const began = performance.now();
  group.enter();
  const answered = running.invoke(httpEvent('GET', '/options'));
  group.leave();
  assert.ok('payload' in (await answered), JSON.stringify(running.logs().slice(-5)));
  const start = performance.now() - began;
  group.setProcessors(share);
  return {
    start,
    ask: async (type, body) => answerOf(await running.invoke(httpEvent('POST', '/captions', type, body))),
    close: async () => {
      await running.close();
      group.remove();
    },
  };
}

function answerOf(ended: Awaited<ReturnType<LambdaFunction['invoke']>>): Answer {
  if ('error' in ended) return { status: 0, code: ended.error.errorMessage };
  const { statusCode: status, body } = ended.payload as { statusCode: number; body: string };
  return { status, code: status < 400 ? '' : JSON.parse(body).code };
}

async function timed(environment: Environment): Promise<number> {
  const from = performance.now();
  const { status } = await environment.ask('image/jpeg', photograph);
  assert.equal(status, 200);
  return performance.now() - from;
}

/** @param length of the file at least, bytes: what follows an image is no part of it */
function stored(bytes: Buffer, length = 0): Buffer {
  store.put(BUCKET, 'image', Buffer.concat([bytes], Math.max(length, bytes.length)));
  return Buffer.from(JSON.stringify({ s3: { bucket: BUCKET, key: 'image' } }));
}

/** 504 tells of a slow machine. */
function assertAlive({ status, code: why }: Answer, expected: number[], what: string): void {
  assert.ok([...expected, 504].includes(status), `${what}: ${status} ${why}`);
}

async function speedOf(memory: number): Promise<string> {
  const starts: number[] = [];
  const firsts: number[] = [];
  let warm: number[] = [];
  let peak = 0;
  for (let i = 0; i < STARTS; i++) {
    const environment = await startIn(memory);
    starts.push(environment.start);
    firsts.push(await timed(environment));
    warm = [];
    for (let k = 0; k < WARM_CAPTIONS; k++) warm.push(await timed(environment));
    peak = peakOfFunction();
    await environment.close();
  }
  const caption = median(warm);
  const cells = [
    memory,
    ...[median(starts), median(firsts), caption].map((ms) => `${ms.toFixed(0)} ms`),
    `${((memory / 1024) * (caption / 1000)).toFixed(3)} GB s`,
    `${peak.toFixed(0)} MB`,
  ];
  return `| ${cells.join(' | ')} |`;
}

for (const memory of MEMORIES) {
  describe(`${memory} MB`, { skip }, () => {
    test('starts and captions', async (t) => {
      t.diagnostic(await speedOf(memory));
    });

    test('captions the largest images that it has memory for, one after the other', async (t) => {
      const environment = await startIn(memory);
      t.after(() => environment.close());
      for (const kind of Object.keys(KINDS)) {
        const megapixels = await largestOf(kind, memory, DEFAULT_BUNDLE);
        const answer = await environment.ask('application/json', stored(await imageOf(kind, megapixels)));
        assertAlive(answer, [200], `${kind}, ${megapixels} megapixels`);
        if (megapixels === (await largestOf(kind, 10_240, DEFAULT_BUNDLE))) continue;
        const larger = stored(await imageOf(kind, megapixels * 1.1 + 1));
        assertAlive(await environment.ask('application/json', larger), [413], kind);
      }
    });
  });
}

describe('the least memory', { skip }, () => {
  const [memory] = MEMORIES;

  test('survives them in the largest files that the settings allow', async (t) => {
    const environment = await startIn(memory, LARGEST_MAX_OBJECT_BYTES);
    t.after(() => environment.close());
    for (const kind of ['AVIF', 'PNG, interlaced', 'JPEG, progressive']) {
      const bytes = await imageOf(kind, await largestOf(kind, memory, DEFAULT_BUNDLE));
      for (const length of [DEFAULT_MAX_OBJECT_BYTES, LARGEST_MAX_OBJECT_BYTES]) {
        const answer = await environment.ask('application/json', stored(bytes, length));
        assertAlive(answer, [200, 413], `${kind} in a file of ${length} bytes`);
      }
    }
  });

  test('captions twenty images of a form, each half of its memory', async (t) => {
    const environment = await startIn(memory);
    t.after(() => environment.close());
    const megapixels = (await largestOf('AVIF', memory, DEFAULT_BUNDLE)) / 2;
    const bytes = await imageOf('AVIF', megapixels);
    const form = new FormData();
    for (let i = 0; i < 20; i++) form.append('image', new Blob([new Uint8Array(bytes)]), `${i}.avif`);
    const request = new Request('http://localhost', { method: 'POST', body: form });
    const type = request.headers.get('content-type')!;
    const answer = await environment.ask(type, Buffer.from(await request.arrayBuffer()));
    assertAlive(answer, [200], `${megapixels} megapixels each`);
  });
});
