import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Problem, ProblemCode } from '../../../src/http/failures.ts';
import { MAX_PARTS } from '../../../src/http/request/multipart.ts';
import { bmp, ftyp, pngClaiming } from '../../support/crafted-images.ts';
import { COFFEE } from '../../support/samples.ts';
import { app, ask, assertProblem, formOf, MAX_BODY_BYTES, post, postJson } from '../harness.ts';

const coffee = readFileSync(COFFEE);
const image = coffee.toString('base64');
const TEXT = Buffer.from('not a photograph');
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';

/** A form written by hand; each part is its headers, an empty line and its content. */
function multipart(parts: readonly string[], boundary = 'edge'): string {
  return `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`;
}

const FORM = 'multipart/form-data; boundary=edge';
const TEXT_PART = 'Content-Disposition: form-data; name="image"';
const PART = `${TEXT_PART}; filename="a.jpg"`;
const NESTED = multipart(['Content-Disposition: attachment; filename="a.jpg"\r\n\r\nabc'], 'inner');

function formWith(field: string): FormData {
  const form = formOf(['a.jpg', coffee]);
  form.append(field, 'x');
  return form;
}

type Bad = readonly [
  what: string,
  body: Buffer | FormData | string,
  type: string | undefined,
  code: ProblemCode,
];

const BODIES: Bad[] = [
  ['a body without a content type', coffee, undefined, 'UnsupportedMediaType'],
  [
    'what curl --data-binary says of a body',
    coffee,
    'application/x-www-form-urlencoded',
    'UnsupportedMediaType',
  ],
  ['text', 'x', 'text/plain', 'UnsupportedMediaType'],
  ['another kind of JSON', '{}', 'application/problem+json', 'UnsupportedMediaType'],
  [
    'another kind of form',
    multipart([`${PART}\r\n\r\nabc`]),
    'multipart/mixed; boundary=edge',
    'UnsupportedMediaType',
  ],
  ['a content type that is none', coffee, 'jpeg', 'UnsupportedMediaType'],
  ['no bytes', '', 'image/jpeg', 'MalformedRequest'],
  ['text that is called an image', TEXT, 'image/jpeg', 'UnsupportedImage'],
  ['an SVG', SVG, 'image/svg+xml', 'UnsupportedImage'],
  ['a HEIC', ftyp('heic', 'mif1', 'heic'), 'image/heic', 'UnsupportedImage'],
  ['a bitmap', bmp(), 'image/bmp', 'UnsupportedImage'],
  ['half an image', coffee.subarray(0, coffee.length / 2), 'image/jpeg', 'UnsupportedImage'],
  ['an image of a billion pixels', pngClaiming(40_000, 25_000), 'image/png', 'ImageTooLarge'],
  ['one byte too many', Buffer.alloc(MAX_BODY_BYTES + 1), 'image/jpeg', 'ImageTooLarge'],
  ['no JSON', '{"image":', 'application/json', 'MalformedRequest'],
  ['JSON that is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'application/json', 'MalformedRequest'],
  ['deep JSON', '['.repeat(60_000), 'application/json', 'MalformedRequest'],
  ['deep JSON that ends', `${'['.repeat(3e4)}${']'.repeat(3e4)}`, 'application/json', 'InvalidRequest'],
  [
    'deep JSON in a field',
    `{"image":${'['.repeat(3e4)}${']'.repeat(3e4)}}`,
    'application/json',
    'InvalidRequest',
  ],
  ['JSON of nothing but brackets', '['.repeat(MAX_BODY_BYTES), 'application/json', 'InvalidRequest'],
  ['JSON of nothing but names', `{${'"":1,'.repeat(1e5)}"":1}`, 'application/json', 'InvalidRequest'],
  ['JSON whose text does not end', `{"image":"${image}\\"`, 'application/json', 'MalformedRequest'],
  [
    'a field __proto__',
    `{"image":"${image}","__proto__":{"beamWidth":1}}`,
    'application/json',
    'InvalidRequest',
  ],
  ['a form without a boundary', multipart([`${PART}\r\n\r\nabc`]), 'multipart/form-data', 'MalformedRequest'],
  ['a form with another boundary', multipart([`${PART}\r\n\r\nabc`], 'cliff'), FORM, 'MalformedRequest'],
  ['a form with an endless boundary', 'x', `${FORM}${'-'.repeat(100)}`, 'MalformedRequest'],
  ['a form that breaks off', multipart([`${PART}\r\n\r\nabc`]).slice(0, -12), FORM, 'MalformedRequest'],
  ['a form with no part', multipart([]), FORM, 'InvalidRequest'],
  ['a form with a text in place of a file', multipart([`${TEXT_PART}\r\n\r\nabc`]), FORM, 'MalformedRequest'],
  [
    'a form in a form',
    multipart([`${TEXT_PART}\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n${NESTED}`]),
    FORM,
    'MalformedRequest',
  ],
  [
    'a form in a file of a form',
    multipart([`${PART}\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n${NESTED}`]),
    FORM,
    'UnsupportedImage',
  ],
  [
    'a form with endless headers',
    multipart([`${PART}\r\n${'a: b\r\n'.repeat(1e5)}\r\nabc`]),
    FORM,
    'MalformedRequest',
  ],
  [
    'a form with an endless name',
    multipart([`${PART}${'x'.repeat(1e5)}\r\n\r\nabc`]),
    FORM,
    'MalformedRequest',
  ],
  ['a form with an empty file', formOf(['a.jpg', Buffer.alloc(0)]), undefined, 'UnsupportedImage'],
  ['a form with another field', formWith('beamWidth'), undefined, 'InvalidRequest'],
  [
    'a form with one part too many',
    multipart(Array(MAX_PARTS + 1).fill(`${PART}\r\n\r\nabc`)),
    FORM,
    'InvalidRequest',
  ],
  [
    'a form with ten thousand parts',
    multipart(Array(10_000).fill(`${PART}\r\n\r\n`)),
    FORM,
    'InvalidRequest',
  ],
];

const FIELDS: [what: string, json: unknown, code: ProblemCode][] = [
  ['an array', [image], 'InvalidRequest'],
  ['null', null, 'InvalidRequest'],
  ['no image', {}, 'InvalidRequest'],
  ['two images', { image: [image, image] }, 'InvalidRequest'],
  ['an image here and in S3', { image, s3: { bucket: 'photos', key: 'a.jpg' } }, 'InvalidRequest'],
  ['an empty image', { image: '' }, 'UnsupportedImage'],
  ['text in base64', { image: TEXT.toString('base64') }, 'UnsupportedImage'],
  ['a data: URL that is no base64', { image: `data:image/jpeg,${image}` }, 'MalformedRequest'],
  ['a data: URL without a comma', { image: 'data:image/jpeg;base64' }, 'MalformedRequest'],
  ['a data: URL with a lone %', { image: `data:image/jpeg;base64,${image}%` }, 'MalformedRequest'],
  ['a data: URL of nothing', { image: 'data:;base64,' }, 'UnsupportedImage'],
  ['an endless type in a data: URL', { image: `data:${';'.repeat(9e5)},` }, 'MalformedRequest'],
  ['another URL', { image: 'https://example.com/photo.jpg' }, 'MalformedRequest'],
  ['base64 with a blank', { image: ` ${image}` }, 'MalformedRequest'],
  ['base64 with half of its padding', { image: 'YQ=' }, 'MalformedRequest'],
  ['base64 with padding alone', { image: '=' }, 'MalformedRequest'],
  ['base64 with too much padding', { image: 'YWI==' }, 'MalformedRequest'],
  ['base64 with padding amid it', { image: 'YQ==YQ==' }, 'MalformedRequest'],
  ['base64 that ends within a byte', { image: 'YWJjZ' }, 'MalformedRequest'],
  ['base64 with bits after its end', { image: 'YR==' }, 'MalformedRequest'],
  ['base64 in two alphabets', { image: '+_8=' }, 'MalformedRequest'],
  ['base64 for URLs with bits after its end', { image: '-x' }, 'MalformedRequest'],
  ['no base64', { image: 'ÿ' }, 'MalformedRequest'],
  ['an option that is unknown', { image, beam: 3 }, 'InvalidRequest'],
  ['an option as text', { image, beamWidth: '3' }, 'InvalidRequest'],
  ['an option out of its bounds', { image, beamWidth: 11 }, 'InvalidRequest'],
  ['options that contradict each other', { image, beamWidth: 2, count: 3 }, 'InvalidRequest'],
  [
    'an S3 reference with another field',
    { s3: { bucket: 'photos', key: 'a', region: 'x' } },
    'InvalidRequest',
  ],
  ['an S3 reference without a key', { s3: { bucket: 'photos' } }, 'InvalidRequest'],
];

describe('POST /captions refuses', () => {
  for (const [what, body, type, code] of BODIES) {
    it(what, async () => {
      assertProblem(await post(app, '/captions', body, type), code);
    });
  }
  for (const [what, json, code] of FIELDS) {
    it(`JSON: ${what}`, async () => {
      assertProblem(await postJson(app, '/captions', json), code);
    });
  }

  it('a HEIC with a text that says what it is, and that it is whole', async () => {
    const heic = readFileSync(new URL('../../fixtures/images/hevc.heic', import.meta.url));
    for (const type of ['image/heic', 'image/jpeg', 'application/octet-stream']) {
      const { status, detail } = assertProblem(await post(app, '/captions', heic, type), 'UnsupportedImage');
      assert.equal(status, 415);
      assert.match(detail!, /HEIC.*JPEG/);
      assert.doesNotMatch(detail!, /damaged/);
    }
  });

  it('a compressed body', async () => {
    const headers = { 'content-type': 'image/jpeg', 'content-encoding': 'gzip' };
    const answer = await ask(app, '/captions', { method: 'POST', body: coffee, headers });
    assertProblem(answer, 'UnsupportedMediaType');
  });

  it('bad options before it reads the body', async () => {
    let pulled = 0;
    const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 });
    const headers = { 'content-type': 'image/jpeg' };
    const init = { method: 'POST', body, headers, duplex: 'half' } as RequestInit;
    assertProblem(await ask(app, '/captions?beamWidth=0', init), 'InvalidRequest');
    assert.equal(pulled, 0);
  });

  it('without repeating long input', async () => {
    const { detail } = assertProblem(
      await postJson(app, '/captions', { image, ['x'.repeat(100_000)]: 1 }),
      'InvalidRequest',
    );
    assert.ok(detail!.length <= 501, `${detail!.length} characters`);
  });
});

describe('POST /captions accepts', () => {
  it('base64 with its slashes escaped, as PHP writes JSON', async () => {
    const json = JSON.stringify({ image }).replaceAll('/', '\\/');
    assert.ok(json.includes('\\/'));
    assert.equal((await post(app, '/captions', json, 'application/json')).status, 200);
  });

  it(`a form with ${MAX_PARTS} images`, async () => {
    const form = multipart(Array(MAX_PARTS).fill(`${PART}\r\n\r\nabc`));
    const { status, body } = await post<{ results: { error: Problem }[] }>(app, '/captions', form, FORM);
    assert.equal(status, 200);
    assert.deepEqual(
      body.results.map(({ error }) => error.code),
      Array(MAX_PARTS).fill('UnsupportedImage'),
    );
  });

  it('a form with a preamble and a quoted boundary', async () => {
    const head = Buffer.from(`preamble\r\n--e d:g=e\r\n${PART}\r\n\r\n`);
    const body = Buffer.concat([head, coffee, Buffer.from('\r\n--e d:g=e--\r\n')]);
    const { status } = await post(app, '/captions', body, 'multipart/form-data; boundary="e d:g=e"');
    assert.equal(status, 200);
  });
});

describe('a quote in a file’s name', () => {
  const names = [
    ['curl before 7.81', String.raw`filename="12\" pizza.jpg"`],
    ['browsers', 'filename="12%22 pizza.jpg"'],
  ] as const;
  for (const [by, fileName] of names) {
    const head = `--edge\r\n${TEXT_PART}; ${fileName}\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(head), coffee, Buffer.from('\r\n--edge--\r\n')]);
    it(`is read as ${by} write it`, async () => {
      for (const path of ['/captions', '/model/predict']) {
        assert.equal((await post(app, path, body, FORM)).status, 200, path);
      }
      const second = Buffer.from(`\r\n--edge\r\n${PART}\r\n\r\nabc\r\n--edge--\r\n`);
      const two = Buffer.concat([Buffer.from(head), coffee, second]);
      const { body: answer } = await post<{ results: { name: string }[] }>(app, '/captions', two, FORM);
      assert.deepEqual(
        answer.results.map(({ name }) => name),
        ['12" pizza.jpg', 'a.jpg'],
      );
    });
  }
});

describe('the app refuses', () => {
  const ADDRESSES = [
    '/nope',
    '/captions/',
    '/captions/1',
    '/page.html',
    '/../package.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/%00',
    '/%ff',
    '//etc/passwd',
    '/health.jpg',
  ];
  for (const path of ADDRESSES) {
    it(`the address ${path}`, async () => {
      const response = await app.request(new Request(`http://localhost${path}`));
      const answer = { status: response.status, headers: response.headers, body: await response.json() };
      assertProblem(answer, 'RouteNotFound');
    });
  }

  const METHODS = [
    ['GET', '/captions', 'POST'],
    ['PUT', '/captions', 'POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['DELETE', '/model', 'GET, HEAD'],
    ['POST', '/', 'GET, HEAD'],
    ['GET', '/model/predict', 'POST'],
  ] as const;
  for (const [method, path, allow] of METHODS) {
    it(`${method} ${path}, and says what it takes`, async () => {
      const answer = await ask(app, path, { method });
      assertProblem(answer, 'MethodNotAllowed');
      assert.equal(answer.headers.get('allow'), allow);
    });
  }
});
