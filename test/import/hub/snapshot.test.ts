/** Files of a model of the hub: which, whether they are whole, and what is said where they do not come. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { fetchSnapshot, type HubRequest } from '../../../src/import/hub/snapshot.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import {
  GOOD_TOKEN,
  type HubModel,
  type HubServer,
  POOR_TOKEN,
  startHub,
} from '../../support/hub/hub-server.ts';
import { setEnvironment, setProxies, startHttp, startProxy } from '../../support/network/servers.ts';

const { make, dispose } = temporaryDirectory();
after(dispose);

const ID = 'somebody/captioner';
const graph = (name: string): Buffer => Buffer.alloc(200_000, name);
const MODEL: HubModel = {
  names: ['v1', 'refs/pr/3'],
  files: {
    '.gitattributes': '*.onnx filter=lfs\n',
    'README.md': '---\nlicense: mit\n---\n',
    'config.json': '{}',
    'generation_config.json': '{}',
    'preprocessor_config.json': '{}',
    'tokenizer.json': '{"a":1}',
    'vocab.json': '{}',
    'pytorch_model.bin': 'weights',
    'onnx/decoder_model.onnx': graph('d'),
    'onnx/decoder_with_past_model.onnx': graph('p'),
    'onnx/decoder_model_merged.onnx': graph('m'),
    'onnx/decoder_model_merged.onnx_data': graph('data'),
    'onnx/decoder_model_merged_quantized.onnx': graph('mq'),
    'onnx/encoder_model.onnx': graph('e'),
    'onnx/encoder_model_q4.onnx': graph('q4'),
    'onnx/encoder_model_quantized.onnx': graph('eq'),
  },
};
const DESCRIPTIONS = [
  'README.md',
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'tokenizer.json',
];
const FP32 = [
  'onnx/decoder_model_merged.onnx',
  'onnx/decoder_model_merged.onnx_data',
  'onnx/encoder_model.onnx',
];

let places = 0;

interface Fetching {
  hub: HubServer;
  fetchIt: (request?: Partial<HubRequest>) => ReturnType<typeof fetchSnapshot>;
}

async function hubWith(t: TestContext, model: HubModel = MODEL, token?: string): Promise<Fetching> {
  const hub = await startHub(t, { [ID]: model });
  setProxies(t, {});
  setEnvironment(t, { HF_ENDPOINT: hub.endpoint, HF_TOKEN: token });
  const place = make(`${places++}`);
  const fetchIt: Fetching['fetchIt'] = (request) =>
    fetchSnapshot({ id: ID, revision: undefined, precision: undefined, place, ...request });
  return { hub, fetchIt };
}

describe('what comes', () => {
  test('is what an import needs in fp32, with the hashes of its content', async (t) => {
    const { hub, fetchIt } = await hubWith(t);
    const told: number[][] = [];
    let found: unknown;
    const { directory, commit, files } = await fetchIt({
      onFound: (what) => {
        found = what;
      },
      onProgress: (...numbers) => told.push(numbers),
    });
    assert.equal(commit, hub.commit);
    assert.deepEqual(
      globSync('**/*.{json,md,onnx*}', { cwd: directory }).sort(),
      [...DESCRIPTIONS, ...FP32].sort(),
    );
    for (const [path, hash] of Object.entries(files)) {
      const bytes = readFileSync(join(directory, path));
      assert.deepEqual(bytes, Buffer.from(MODEL.files[path]!), path);
      assert.equal(hash, createHash('sha256').update(bytes).digest('hex'), path);
    }
    const bytes = Object.keys(files).reduce((sum, path) => sum + Buffer.from(MODEL.files[path]!).length, 0);
    assert.deepEqual(found, { commit, files: 8, bytes });
    assert.deepEqual(told.at(-1), [bytes, bytes]);
    assert.deepEqual(Object.keys(files).sort(), [...DESCRIPTIONS, ...FP32].sort());
  });

  test('is the precision that is asked for', async (t) => {
    const { fetchIt } = await hubWith(t);
    const { files } = await fetchIt({ precision: 'int8' });
    assert.deepEqual(
      Object.keys(files).filter((path) => path.endsWith('.onnx')),
      ['onnx/decoder_model_merged_quantized.onnx', 'onnx/encoder_model_quantized.onnx'],
    );
  });

  for (const revision of ['main', 'v1', 'refs/pr/3']) {
    test(`is one commit, whatever ${revision} becomes meanwhile`, async (t) => {
      const { hub, fetchIt } = await hubWith(t);
      assert.equal((await fetchIt({ revision })).commit, hub.commit);
      const [first, ...others] = hub.asked.filter((line) => line.startsWith('hub '));
      assert.match(first!, new RegExp(`/api/models/${ID}/revision/${encodeURIComponent(revision)}\\?`));
      for (const line of others) assert.ok(line.includes(hub.commit), line);
    });
  }

  test('is not asked for again, and a commit needs no network then', async (t) => {
    const { hub, fetchIt } = await hubWith(t);
    const first = await fetchIt();
    hub.asked.length = 0;
    assert.deepEqual(await fetchIt({ revision: hub.commit }), first);
    assert.deepEqual(hub.asked, []);
  });

  test('goes on where a connection broke off', async (t) => {
    const { hub, fetchIt } = await hubWith(t);
    hub.cuts.set('onnx/encoder_model.onnx', { after: 70_000, waits: false });
    const { directory } = await fetchIt();
    assert.deepEqual(readFileSync(join(directory, 'onnx/encoder_model.onnx')), graph('e'));
    assert.deepEqual(
      hub.asked
        .filter((line) => line.includes('bytes='))
        .map((line) => line.split(' ')[0] + line.slice(line.indexOf(' bytes='))),
      ['hub bytes=70000-', 'storage bytes=70000-'],
    );
  });

  test('goes through the proxy that the environment names', async (t) => {
    const { hub, fetchIt } = await hubWith(t);
    const proxy = await startProxy(t);
    setProxies(t, { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` });
    await fetchIt();
    assert.equal(proxy.asked.length, hub.asked.length);
  });
});

describe('the token', () => {
  test('opens what is gated and private, and goes to the hub alone', async (t) => {
    for (const access of ['gated', 'private'] as const) {
      const { hub, fetchIt } = await hubWith(t, { ...MODEL, access }, ` ${GOOD_TOKEN}\n`);
      await fetchIt();
      for (const line of hub.asked) {
        assert.equal(line.endsWith(`with Bearer ${GOOD_TOKEN}`), line.startsWith('hub '), line);
        assert.equal(line.includes(GOOD_TOKEN), line.startsWith('hub '), line);
      }
    }
  });

  for (const [name, env] of [
    ['HF_TOKEN', { HF_TOKEN: 'secret-of-another-service' }],
    ['HF_TOKEN', { HF_TOKEN: `${GOOD_TOKEN}\r\nx-other: 1` }],
    ['HF_ENDPOINT', { HF_ENDPOINT: 'http://hub.example' }],
    ['HF_ENDPOINT', { HF_ENDPOINT: 'https://user:password@hub.example' }],
    ['HF_ENDPOINT', { HF_ENDPOINT: 'https://hub.example/?key=secret' }],
    ['HF_ENDPOINT', { HF_ENDPOINT: 'hub.example' }],
  ] as const) {
    test(`${name} that is none is refused, and not shown: ${JSON.stringify(Object.values(env)[0])}`, async (t) => {
      const { fetchIt } = await hubWith(t);
      setEnvironment(t, env);
      await assert.rejects(fetchIt(), (error: Error) => {
        assert.equal(error.name, 'InvalidRequest');
        assert.ok(error.message.startsWith(`${name}: `));
        assert.doesNotMatch(error.message, /secret|user:|GOOD|hub\.example/);
        return true;
      });
    });
  }
});

interface Refusal {
  model?: HubModel;
  token?: string;
  request?: Partial<HubRequest>;
  spoil?: (hub: HubServer) => void;
  code: string;
  says: RegExp;
}

const only = (...paths: string[]): HubModel => ({
  files: Object.fromEntries(paths.map((path) => [path, MODEL.files[path] ?? 'x'])),
});

const REFUSALS: Record<string, Refusal> = {
  'no such model': {
    request: { id: 'somebody/nothing' },
    code: 'SourceUnreadable',
    says: /somebody\/nothing: expected a model, found none .*\(status 401\)\. Check the name; .*HF_TOKEN.*Nothing on this machine/,
  },
  'a private one of others': {
    model: { ...MODEL, access: 'private' },
    token: POOR_TOKEN,
    code: 'SourceUnreadable',
    says: /\(status 404\)\. Check the name, and that HF_TOKEN is valid/,
  },
  'a gated one without a token': {
    model: { ...MODEL, access: 'gated' },
    code: 'SourceUnreadable',
    says: /found a gated one, and no token \(status 401\)\. Accept its terms at http:\S+\/somebody\/captioner, and set HF_TOKEN/,
  },
  'a gated one for others': {
    model: { ...MODEL, access: 'gated' },
    token: POOR_TOKEN,
    code: 'SourceUnreadable',
    says: /one that this token may not read \(status 403\)/,
  },
  'no such revision': {
    request: { revision: 'v9' },
    code: 'SourceUnreadable',
    says: /expected the revision v9, found none of that name \(status 404\)\. Name a commit, a branch or a tag/,
  },
  'no such commit': {
    request: { revision: 'f'.repeat(40) },
    code: 'SourceUnreadable',
    says: /expected the revision f{40}, found none of that name/,
  },
  'a file that is listed and not there': {
    spoil: (hub) => hub.missing.add('tokenizer.json'),
    code: 'SourceUnreadable',
    says: /tokenizer\.json: expected the file, found status 404/,
  },
  'a large file with other bytes': {
    spoil: (hub) => hub.damaged.add('onnx/encoder_model.onnx'),
    code: 'SourceDamaged',
    says: /onnx\/encoder_model\.onnx: expected sha256 [0-9a-f]{64}, found [0-9a-f]{64} of 200000 bytes; they were removed/,
  },
  'a small file with other bytes': {
    spoil: (hub) => hub.damaged.add('tokenizer.json'),
    code: 'SourceDamaged',
    says: /tokenizer\.json: expected gitBlob [0-9a-f]{40}, found [0-9a-f]{40} of 7 bytes/,
  },
  'weights for PyTorch alone': {
    model: only('config.json', 'pytorch_model.bin'),
    code: 'SourceUnsupported',
    says: /expected ONNX files, .*found none\. Make them .*--model somebody\/captioner exported\)/,
  },
  'graphs of something else': {
    model: only('config.json', 'onnx/model.onnx', 'onnx/model_fp16.onnx'),
    code: 'SourceUnsupported',
    says: /expected encoder_model\.onnx .*, found onnx\/model\.onnx, onnx\/model_fp16\.onnx\./,
  },
  'a precision that is not there': {
    request: { precision: 'fp16' },
    code: 'SourceUnsupported',
    says: /expected graphs in fp16, found fp32, int8\. Name one of these by --precision/,
  },
};

describe('what does not come is said with its reason and what to do', () => {
  for (const [name, { model, token, request, spoil, code, says }] of Object.entries(REFUSALS)) {
    test(name, async (t) => {
      const { hub, fetchIt } = await hubWith(t, model, token);
      spoil?.(hub);
      await assert.rejects(fetchIt(request), (error: Error) => {
        assert.equal(error.name, code, error.message);
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /hf_|signature/);
        return true;
      });
    });
  }

  for (const [name, body, says] of [
    [
      'a login page of the network',
      '<!doctype html><p>Sign in',
      /the list of its files, found another form of answer/,
    ],
    ['an answer of another kind', '{"sha":"../../x"}', /found no commit/],
  ] as const) {
    test(name, async (t) => {
      const { fetchIt } = await hubWith(t);
      const port = await startHttp(t, (_, response) => response.end(body));
      setEnvironment(t, { HF_ENDPOINT: `http://127.0.0.1:${port}/` });
      await assert.rejects(fetchIt(), { code: 'SourceUnreadable', message: says });
    });
  }

  test('a listing of another form, one whose names lead elsewhere', async (t) => {
    const { fetchIt } = await hubWith(t);
    const listing = [{ type: 'file', path: 'config.json', size: -1, oid: '../x' }];
    const port = await startHttp(t, (_, response) => response.end(JSON.stringify(listing)));
    setEnvironment(t, { HF_ENDPOINT: `http://127.0.0.1:${port}` });
    await assert.rejects(fetchIt({ revision: 'a'.repeat(40) }), {
      code: 'SourceUnreadable',
      message: /another form/,
    });
  });

  test('a place where nothing can be written', async (t) => {
    const { fetchIt } = await hubWith(t);
    const place = join(make('no-place'), 'file');
    writeFileSync(place, '');
    await assert.rejects(fetchIt({ place }), {
      code: 'InvalidRequest',
      message: /no-place\/file\/hub-[0-9a-f]{32} cannot be written \(ENOTDIR\)$/,
    });
  });

  test('a listing without an end', async (t) => {
    const { fetchIt } = await hubWith(t);
    let pages = 0;
    const port = await startHttp(t, (_, response) => {
      const page = Array.from({ length: 1000 }, (_, i) => ({
        type: 'file',
        path: `${pages}-${i}`,
        size: 1,
        oid: 'a'.repeat(40),
      }));
      // One that nobody stops ends here all the same.
      if (++pages < 20) response.setHeader('link', `<http://127.0.0.1:${port}/?cursor=${pages}>; rel="next"`);
      response.end(JSON.stringify(page));
    });
    setEnvironment(t, { HF_ENDPOINT: `http://127.0.0.1:${port}` });
    await assert.rejects(fetchIt({ revision: 'a'.repeat(40) }), {
      code: 'SourceUnreadable',
      message: /more than 10000 files/,
    });
    assert.equal(pages, 11);
  });

  for (const [name, status, says] of [
    ['a hub in trouble', 503, /status 503.*Try again later/],
    ['a hub that was asked too often', 429, /status 429.*too often/],
  ] as const) {
    test(name, async (t) => {
      const { fetchIt } = await hubWith(t);
      const port = await startHttp(t, (_, response) => response.writeHead(status).end('no'));
      setEnvironment(t, { HF_ENDPOINT: `http://127.0.0.1:${port}` });
      await assert.rejects(fetchIt(), { code: 'SourceUnreadable', message: says });
    });
  }

  test('nobody at that address', async (t) => {
    const { fetchIt } = await hubWith(t);
    setEnvironment(t, { HF_ENDPOINT: 'http://127.0.0.1:9' });
    await assert.rejects(fetchIt(), {
      code: 'SourceUnreadable',
      message:
        /refuses connections \(ECONNREFUSED\).*Nothing on this machine is called somebody\/captioner; a folder with the files/,
    });
  });
});
