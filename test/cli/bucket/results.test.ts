/** The command as a process, over result documents as the functions write them. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { resultDocumentSchema, writeResult } from '../../../src/s3/results.ts';
import { clientOf } from '../../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../../support/aws/fake-s3.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { type Finished, finished, runCli, startCli } from '../../support/cli.ts';
import { captioned, failed, MODEL } from './documents.ts';

const BUCKET = 'results';
const COUNT = 25;
const ODD_KEY = 'holiday, "best"\n=1+1.jpg';

let s3: FakeS3;
/** What Node does for a user whom the system has no entry of. */
const HOMELESS = `data:text/javascript,${encodeURIComponent(`
  import os from 'node:os';
  import { syncBuiltinESMExports } from 'node:module';
  os.homedir = () => { throw new Error('uv_os_homedir returned ENOENT'); };
  syncBuiltinESMExports();
`)}`;
before(async () => {
  s3 = await startFakeS3([BUCKET, 'empty'], [], 10);
  const client = clientOf(s3);
  process.env.AWS_MAX_ATTEMPTS = '1';
  for (let i = 0; i < COUNT; i++) {
    const key = i === 7 ? ODD_KEY : `${i}.jpg`;
    const document = i % 5 === 4 ? failed(key) : captioned(key);
    await writeResult(
      client,
      { bucket: BUCKET, key: `captions/photos/${String(i).padStart(3, '0')}.json` },
      document,
    );
  }
  // What else lies in the bucket.
  s3.put(BUCKET, `captions/_batches/${'0'.repeat(64)}.json`, Buffer.from('{"results":[]}'));
  s3.put(BUCKET, 'runs/1/manifest.json', Buffer.from('{}'));
  client.destroy();
});
after(() => s3.close());

function results(...flags: string[]): Promise<Finished> {
  return runCli(['results', '--bucket', BUCKET, ...flags]);
}
const lines = ({ stdout }: Finished) => stdout.split('\n').filter(Boolean);

describe('results', () => {
  it('are whole documents, one a line, of all pages in order', async () => {
    const run = await results();
    assert.deepEqual([run.status, run.stderr], [0, '']);
    const documents = lines(run).map((line) => resultDocumentSchema.parse(JSON.parse(line)));
    const expected = Array.from({ length: COUNT }, (_, i) => (i === 7 ? ODD_KEY : `${i}.jpg`));
    assert.deepEqual(
      documents.map(({ source }) => source.key),
      expected,
    );
    assert.deepEqual(documents[0], captioned('0.jpg'));
    assert.deepEqual(documents[4], failed('4.jpg'));
  });

  it('are a table that keeps every character of a key', async () => {
    const run = await results('--format', 'csv', '--prefix', 'captions/photos/00');
    assert.deepEqual([run.status, run.stderr], [0, '']);
    const rows = run.stdout.split('\r\n');
    assert.equal(
      rows[0],
      'bucket,key,versionId,status,caption,probability,code,message,model,modelHash,writtenAt',
    );
    assert.equal(rows.length, 10 + 2);
    assert.equal(
      rows[5],
      `photos,4.jpg,,failed,,,UnsupportedImage,damaged,test,${MODEL.hash},2026-01-02T03:04:05.000Z`,
    );
    const quoted = 'holiday, ""best""\n=1+1.jpg';
    assert.ok(rows[8]!.startsWith(`photos,"${quoted}",,captioned,"a picture of ${quoted}",0.3678794`));
  });

  it('are found at the address that `aws s3` has for them', async () => {
    const run = await runCli(['results', '--bucket', `s3://${BUCKET}/captions/photos/00`]);
    assert.deepEqual([run.status, run.stderr], [0, '']);
    assert.equal(lines(run).length, 10);
  });

  it('are read for a user without a home directory and a name', async () => {
    const { HOME: _, ...env } = process.env;
    const nobody = { env: { ...env, NODE_OPTIONS: `--import=${HOMELESS}` } };
    const run = await runCli(['results', '--bucket', BUCKET], nobody);
    assert.deepEqual([run.status, run.stderr], [0, '']);
    assert.equal(lines(run).length, COUNT);
  });

  it('are only failures when asked', async () => {
    const documents = lines(await results('--failed')).map((line) => JSON.parse(line));
    assert.equal(documents.length, COUNT / 5);
    for (const { status, error } of documents) {
      assert.deepEqual([status, error.code], ['failed', 'UnsupportedImage']);
    }
  });

  it('are none in an empty bucket', async () => {
    const run = await runCli(['results', '--bucket', 'empty']);
    assert.deepEqual([run.status, run.stdout, run.stderr], [0, '', '']);
  });

  it('leave out what is no result, with exit code 3', async () => {
    for (const [i, text] of ['', '{', '{"formatVersion":2}'].entries()) {
      s3.put(BUCKET, `other/${i}.json`, Buffer.from(text));
    }
    s3.put(BUCKET, 'other/9.json', Buffer.from(JSON.stringify(captioned('9.jpg'))));
    const run = await results('--prefix', 'other/');
    assert.equal(run.status, 3);
    assert.equal(lines(run).length, 1);
    assert.equal(run.stderr.trim().split('\n').length, 3);
  });

  it('end without a word when nobody reads on', async () => {
    const child = startCli(['results', '--bucket', BUCKET]);
    const end = finished(child);
    child.stdout!.once('data', () => child.stdout!.destroy());
    const { status, signal, stderr } = await end;
    assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
  });

  const refused: { title: string; args: string[]; status: number }[] = [
    { title: 'no such bucket', args: ['--bucket', 'nowhere'], status: 2 },
    { title: 'no bucket', args: [], status: 2 },
    { title: 'an access point', args: ['--bucket', 'arn:aws:s3:eu-west-1:1:accesspoint/a'], status: 2 },
    { title: 'no such format', args: ['--bucket', BUCKET, '--format', 'xml'], status: 2 },
  ];
  for (const { title, args, status } of refused) {
    it(`exits with ${status} for ${title}`, async () => {
      const run = await runCli(['results', ...args]);
      assert.deepEqual([run.status, run.stdout], [status, '']);
      assert.notEqual(run.stderr, '');
    });
  }

  it('exit with 4 where S3 fails', async () => {
    s3.onRequest(({ method, key }) =>
      method === 'GET' && key.endsWith('005.json')
        ? { kind: 'error', status: 503, code: 'SlowDown' }
        : undefined,
    );
    const run = await results();
    s3.onRequest(() => undefined);
    assert.equal(run.status, 4);
    assert.match(run.stderr, /^show-and-tell: UpstreamUnavailable: /);
  });

  describe('written to a file', () => {
    const { make, dispose } = temporaryDirectory();
    after(dispose);
    const late = ({ method, key }: { method: string; key: string }) =>
      method === 'GET' && key.endsWith('020.json');

    it('are what standard output gets, in every format', async () => {
      const directory = make('formats');
      for (const format of ['jsonl', 'csv', 'parquet']) {
        const file = join(directory, format);
        writeFileSync(file, 'older');
        const run = await results('--format', format, '--out', file);
        assert.deepEqual([run.status, run.stdout, run.stderr], [0, '', '']);
        const child = startCli(['results', '--bucket', BUCKET, '--format', format]);
        assert.deepEqual(await buffer(child.stdout!), readFileSync(file), format);
      }
      assert.deepEqual(readdirSync(directory).sort(), ['csv', 'jsonl', 'parquet']);
    });

    it('leave what was there where S3 fails in between', async () => {
      const directory = make('fails');
      const file = join(directory, 'captions.parquet');
      writeFileSync(file, 'older');
      s3.onRequest((request) =>
        late(request) ? { kind: 'error', status: 503, code: 'SlowDown' } : undefined,
      );
      const run = await results('--format', 'parquet', '--out', file);
      s3.onRequest(() => undefined);
      assert.equal(run.status, 4);
      assert.deepEqual([readdirSync(directory), readFileSync(file, 'utf8')], [['captions.parquet'], 'older']);
    });

    it('leave nothing when Ctrl-C ends them', async () => {
      const directory = make('stopped');
      const child = startCli(
        ['results', '--bucket', BUCKET, '--format', 'parquet', '--out', join(directory, 'captions.parquet')],
        { env: { ...process.env, AWS_ENDPOINT_URL_S3: s3.url } },
      );
      s3.onRequest((request) => {
        if (!late(request)) return undefined;
        child.kill('SIGINT');
        return { kind: 'stall' };
      });
      const { status } = await finished(child);
      s3.onRequest(() => undefined);
      assert.equal(status, 130);
      assert.deepEqual(readdirSync(directory), []);
      assert.equal(existsSync(join(directory, 'captions.parquet')), false);
    });
  });
});
