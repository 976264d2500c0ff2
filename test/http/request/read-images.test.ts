/** What a body is read as, and the words in which it is refused, without a model behind it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_BYTES_BESIDE_TEXTS, parseJson } from '../../../src/http/request/json.ts';
import { MAX_PART_HEADER_BYTES } from '../../../src/http/request/multipart.ts';
import { readerOf } from '../../../src/http/request/read-images.ts';
import { whileAwaited } from '../../../src/http/request/while-awaited.ts';

const FORM = { 'content-type': 'multipart/form-data; boundary=edge' };
const JSON_TYPE = { 'content-type': 'application/json' };
const DISPOSITION = 'Content-Disposition: form-data; name=image; filename=a';

function read(headers: Record<string, string>, body: string, maxImages?: number) {
  return readerOf(new Headers(headers), maxImages)(new Uint8Array(Buffer.from(body, 'latin1')));
}

/** Names and contents of the images in a body. */
function imagesOf(headers: Record<string, string>, body: string, maxImages?: number): string[][] {
  const { source, options } = read(headers, body, maxImages);
  assert.deepEqual(options, {});
  assert.ok('images' in source);
  return source.images.map(({ name, bytes }) => [name, Buffer.from(bytes).toString('latin1')]);
}

/** A form of parts of these headers. */
function form(headers: readonly string[], content = 'b'): string {
  return `${headers.map((lines) => `--edge\r\n${lines}\r\n\r\n${content}\r\n`).join('')}--edge--`;
}

/** The header of one part, `bytes` long with the line breaks around it. */
function headersOf(bytes: number): string {
  const fixed = `${DISPOSITION}\r\nX: `;
  return fixed + 'x'.repeat(bytes - fixed.length - '\r\n'.length - '\r\n\r\n'.length);
}

describe('a body is read as', () => {
  it('an image, whatever it is called', () => {
    for (const type of ['image/jpeg', 'IMAGE/X-NONE; a=b', 'application/octet-stream']) {
      const headers = { 'content-type': type, 'content-encoding': 'identity' };
      assert.deepEqual(imagesOf(headers, 'b\xff'), [['image', 'b\xff']]);
    }
  });

  it('JSON with an image and options, or with a place', () => {
    const inBody = JSON.stringify({ image: 'YQ', beamWidth: 2 });
    assert.deepEqual(read({ 'content-type': 'application/json; charset=utf-8' }, inBody), {
      source: { images: [{ name: 'image', bytes: Buffer.from('a') }] },
      options: { beamWidth: 2 },
    });
    const s3 = { bucket: 'photos', key: 'a' };
    assert.deepEqual(read(JSON_TYPE, JSON.stringify({ s3, count: 1 })), {
      source: { s3 },
      options: { count: 1 },
    });
  });

  it('what it is, where it says that it is not encoded', () => {
    for (const encoding of ['', 'identity', 'Identity', 'IDENTITY']) {
      const headers = { 'content-type': 'image/jpeg', 'content-encoding': encoding };
      assert.deepEqual(imagesOf(headers, 'b'), [['image', 'b']], encoding);
    }
  });

  it('a form whose boundary is one character', () => {
    for (const boundary of ['X', '0', '-', '"x"', '"\'"', '"?"']) {
      const type = { 'content-type': `multipart/form-data; boundary=${boundary}` };
      const body = form([DISPOSITION, DISPOSITION]).replaceAll('edge', boundary.replaceAll('"', ''));
      assert.deepEqual(imagesOf(type, body), [
        ['a', 'b'],
        ['a', 'b'],
      ]);
    }
  });

  it('a form, up to its bounds', () => {
    assert.deepEqual(imagesOf(FORM, form([headersOf(MAX_PART_HEADER_BYTES), DISPOSITION]), 2), [
      ['a', 'b'],
      ['a', 'b'],
    ]);
    const long = 'e'.repeat(70);
    const type = { 'content-type': `multipart/form-data; boundary=${long}` };
    assert.deepEqual(imagesOf(type, form([DISPOSITION]).replaceAll('edge', long)), [['a', 'b']]);
  });

  it('a form whose parts are empty, with and without a line break of their own', () => {
    const body = `--edge\r\n${DISPOSITION}\r\n\r\n--edge\r\n${DISPOSITION}\r\n\r\n\r\n--edge--`;
    assert.deepEqual(imagesOf(FORM, body), [
      ['a', ''],
      ['a', ''],
    ]);
  });

  it('a form after an empty line', () => {
    assert.deepEqual(imagesOf(FORM, `\r\n${form([DISPOSITION])}`), [['a', 'b']]);
  });

  it('a form in base64 only where a header of its own says so', () => {
    const says = (header: string) => imagesOf(FORM, form([`${DISPOSITION}\r\n${header}\r\nB: c`], 'YWJj'));
    for (const header of ['Content-Transfer-Encoding:base64', 'CONTENT-TRANSFER-ENCODING \t: \t BASE64 \t']) {
      assert.deepEqual(says(header), [['a', 'abc']], header);
    }
    for (const header of [
      'X-Content-Transfer-Encoding: base64',
      'Content-Transfer-Encoding: base64url',
      'Content-Transfer-Encoding: 7bit',
      'Content-Transfer-Encoding; base64',
    ]) {
      assert.deepEqual(says(header), [['a', 'YWJj']], header);
    }
  });
});

describe('a body is refused', () => {
  const READ = 'send image/*, application/octet-stream, multipart/form-data or application/json';
  const NO_NAME = 'a part has no header "content-disposition: form-data" with a name (RFC 7578 section 4.2)';
  const BOUNDARY = 'the boundary must have 1 to 70 characters';
  const BREAKS_OFF = 'the body breaks off before its last boundary';
  const REFUSED: [headers: Record<string, string>, body: string, code: string, message: string][] = [
    [{}, '', 'UnsupportedMediaType', `the request has no content-type; ${READ}`],
    [
      { 'content-type': 'jpeg' },
      '',
      'UnsupportedMediaType',
      `the content-type is not of the form type/subtype; ${READ}`,
    ],
    [{ 'content-type': 'text/plain' }, '', 'UnsupportedMediaType', `text/plain is not read here; ${READ}`],
    [
      { 'content-type': 'image/png', 'content-encoding': 'br' },
      '',
      'UnsupportedMediaType',
      `the content-encoding br is not undone here; ${READ}`,
    ],
    [{ 'content-type': 'multipart/form-data' }, form([DISPOSITION]), 'MalformedRequest', BOUNDARY],
    [
      { 'content-type': `multipart/form-data; boundary=${'e'.repeat(71)}` },
      form([DISPOSITION]).replaceAll('edge', 'e'.repeat(71)),
      'MalformedRequest',
      BOUNDARY,
    ],
    [FORM, form([]), 'InvalidRequest', 'the form has no field image'],
    [FORM, form([DISPOSITION, DISPOSITION, DISPOSITION]), 'InvalidRequest', 'a form may have 2 parts'],
    [
      FORM,
      form([DISPOSITION.replace('image', 'b')]),
      'InvalidRequest',
      'b: the only field of a form is image',
    ],
    [
      FORM,
      form(['Content-Disposition: form-data; name=image']),
      'MalformedRequest',
      'the part image has no filename, so it is text and no file',
    ],
    [FORM, form(['']), 'MalformedRequest', NO_NAME],
    [FORM, '--edge\r\n\r\n\r\nb\r\n--edge--', 'MalformedRequest', NO_NAME],
    [
      FORM,
      form([headersOf(MAX_PART_HEADER_BYTES + 1)]),
      'MalformedRequest',
      'the headers of a part do not end within 8192 bytes',
    ],
    [FORM, form([DISPOSITION]).slice(0, -1), 'MalformedRequest', BREAKS_OFF],
    [
      FORM,
      form([DISPOSITION]).replace('--edge', '--edgeways'),
      'InvalidRequest',
      'the form has no field image',
    ],
    [
      FORM,
      `--edge${' '.repeat(64)}\r\n${DISPOSITION}\r\n\r\n--edge--`,
      'InvalidRequest',
      'the form has no field image',
    ],
    [JSON_TYPE, '{"image":', 'MalformedRequest', 'the body is not JSON in UTF-8'],
    [JSON_TYPE, '{}', 'InvalidRequest', 'give either image or s3'],
  ];
  for (const [headers, body, code, message] of REFUSED) {
    it(`${JSON.stringify(headers).slice(0, 60)} ${JSON.stringify(body).slice(0, 40)}: ${message}`, () => {
      assert.throws(
        () => read(headers, body, 2),
        (error: { code: string; message: string }) => {
          assert.deepEqual([error.code, error.message], [code, message]);
          return true;
        },
      );
    });
  }

  it('with the cause, where there is one', () => {
    const causes = [
      [{ 'content-type': 'jpeg' }, '', 'TypeError'],
      [JSON_TYPE, '{', 'SyntaxError'],
      [JSON_TYPE, '"\xff"', 'TypeError'],
      [JSON_TYPE, '{"image":"?"}', 'InvalidRequest'],
    ] as const;
    for (const [headers, body, name] of causes) {
      assert.throws(
        () => read(headers, body),
        ({ cause }: { cause: Error }) => cause.constructor.name === name,
        name,
      );
    }
  });
});

describe('JSON', () => {
  const TEXTS = ['', 'a', '"', '\\', '\\"', 'a\\\\', '"\\"', '\\\\\\', 'é"'];
  /** `padding` blanks away from the most that may stand beside these texts. */
  function bodyOf(texts: readonly string[], padding: number): Uint8Array<ArrayBuffer> {
    const beside = '[]'.length + 3 * texts.length - 1;
    const blanks = ' '.repeat(MAX_BYTES_BESIDE_TEXTS - beside + padding);
    return new Uint8Array(Buffer.from(JSON.stringify(texts).replace(/\]$/, `${blanks}]`)));
  }

  it('may have so many bytes beside its texts, whatever is in those, and no more', () => {
    for (const texts of [TEXTS, ...TEXTS.map((text) => [text])]) {
      assert.deepEqual(parseJson(bodyOf(texts, 0)), texts);
      assert.throws(() => parseJson(bodyOf(texts, 1)), {
        code: 'InvalidRequest',
        message: 'JSON may have 65536 bytes beside its texts',
      });
    }
  });

  it('may be one text of any length', () => {
    const text = '"'.repeat(MAX_BYTES_BESIDE_TEXTS);
    assert.equal(parseJson(new Uint8Array(Buffer.from(JSON.stringify(text)))), text);
  });

  it('is looked at where it lies in a larger buffer', () => {
    const large = new Uint8Array(Buffer.from(`${'['.repeat(MAX_BYTES_BESIDE_TEXTS)}{"a":1}${'['.repeat(9)}`));
    assert.deepEqual(parseJson(large.subarray(MAX_BYTES_BESIDE_TEXTS, -9)), { a: 1 });
  });
});

describe('the signal of a request', () => {
  it('is aborted when its client leaves, or has left, and tells why', () => {
    const client = new AbortController();
    const init = { signal: client.signal };
    const before = whileAwaited(new Request('http://localhost', init));
    assert.equal(before.aborted, false);
    client.abort('closed');
    for (const signal of [before, whileAwaited(new Request('http://localhost', init))]) {
      assert.equal(signal.aborted, true);
      assert.equal(signal.reason.constructor.name, 'ClientLeft');
      assert.equal(signal.reason.message, 'the client closed the connection before its answer');
    }
  });
});
