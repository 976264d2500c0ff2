/**
 * The reference of a document made up to have one of everything, as it is written; what the app's own says is in `docs-page`.
 * Written anew by `node --test --test-update-snapshots test/http/docs/reference.test.ts`, to be read before it is committed.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Context } from 'hono';
import { docsHtml } from '../../../src/http/docs/docs-html.ts';
import { exampleOf, examplesOf } from '../../../src/http/docs/example.ts';
import { limitsOf, limitsSection } from '../../../src/http/docs/limits.ts';
import { definitions, json, shell } from '../../../src/http/docs/markup.ts';
import { withLinks } from '../../../src/http/docs/problems.ts';
import { isFile, type Schema, type Schemas, schemaText } from '../../../src/http/docs/schema-text.ts';
import type { AppParts } from '../../../src/http/parts.ts';
import type { OpenApiDocument } from '../../../src/http/routes/openapi.ts';
import { textOf } from './harness.ts';

const file: Schema = { type: 'string', format: 'binary' };
const thing = { $ref: '#/components/schemas/Thing' };
const document = {
  openapi: '3.1.0',
  info: { title: 'A & B', version: '1', description: 'Things.' },
  paths: {
    '/things/{id}': {
      delete: {
        summary: 'Forget it',
        description: 'For good.',
        operationId: 'forget',
        tags: ['things', 'others'],
        parameters: [
          {
            name: 'id',
            in: 'path',
            required: true,
            description: 'Which',
            schema: { type: 'string', example: 'a b' },
          },
          { name: 'times', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 3 } },
          { name: 'why', in: 'query', description: 'Nobody asks' },
          { $ref: '#/components/parameters/none' },
        ],
        responses: {
          204: { description: 'Forgotten' },
          404: { description: 'ImageNotFound: no <such> thing\n\nNoSuchCode: no link\n\nImageNotFound' },
        },
      },
      get: { responses: { 200: { description: 'It', content: { 'application/json': { schema: thing } } } } },
    },
    '/things': {
      post: {
        summary: 'Make one',
        operationId: 'make',
        tags: ['makers'],
        requestBody: {
          content: {
            'application/json': {
              schema: thing,
              examples: { few: { summary: 'Two', value: { id: '2' } }, many: { value: { id: '9' } } },
            },
            'text/json': { schema: thing, example: { id: '1' } },
            'image/*': { schema: file, examples: { a: { value: '' }, b: { value: '' } } },
            'multipart/form-data': {
              schema: {
                type: 'object',
                properties: { image: { type: 'array', items: file }, note: { type: 'string' } },
              },
            },
            'application/octet-stream': {},
          },
        },
        responses: {
          201: {
            description: 'Made',
            content: {
              'application/json': { schema: { anyOf: [thing, { type: 'integer' }] } },
              'text/plain': {},
            },
            headers: { Location: {}, 'Retry-After': {} },
          },
          '2XX': { description: 'Or so', content: { 'text/plain': { schema: { type: 'string' } } } },
        },
      },
    },
  },
  components: {
    schemas: {
      Thing: {
        type: 'object',
        description: 'A thing.',
        required: ['id'],
        properties: {
          id: { type: 'string', minLength: 1, maxLength: 9, description: 'Its name' },
          next: thing,
          tags: {
            type: 'array',
            items: { type: 'string' },
            maxItems: 3,
            example: ['new', 'old', 'borrowed', 'blue', 'white'],
          },
        },
      },
      Kind: { enum: ['a', 1] },
      Bare: { type: 'object', properties: {} },
    },
  },
} as unknown as OpenApiDocument;

/** Without styles, script and the codes of problems, which are the same on every page. */
function bodyOf(html: string): string {
  return html
    .replace(/<(style|script)>[\s\S]*?<\/\1>/g, '<$1></$1>')
    .replace(/<section id="[A-Z][\s\S]*?<\/section>\n/g, '')
    .replace(/<li><a href="#[A-Z][^\n]*\n/g, '');
}

describe('a reference', () => {
  it('is written like this', (t) => {
    const limits = [{ what: 'Size', value: '3 & more', code: 'ImageTooLarge' as const }];
    t.assert.fileSnapshot(
      bodyOf(docsHtml(document, limits)),
      fileURLToPath(new URL('./fixtures/reference.html', import.meta.url)),
      { serializers: [String] },
    );
  });

  it('may have nothing to tell', () => {
    const html = docsHtml({ openapi: '3.1.0', info: { title: 'None', version: '1' } } as OpenApiDocument, []);
    assert.doesNotMatch(html, /operation-|schema-|undefined|\[object/);
    assert.match(html, /code\.<\/p>\n\n<section id="MalformedRequest"/);
  });
});

describe('a schema in words', () => {
  const either = [{ type: 'string' }, { type: 'null' }] as Schema[];
  const TEXTS: [Schema, string][] = [
    [thing, 'Thing'],
    [{ anyOf: either }, 'string or null'],
    [{ oneOf: either }, 'string or null'],
    [{ type: 'object', oneOf: either, properties: { a: { type: 'integer' } } }, '{ a: integer }'],
    [{ const: 'x' }, '"x"'],
    [{ const: 0 }, '0'],
    [{ enum: ['a', 1, null] }, '"a", 1, null'],
    [{ type: 'array', items: file }, 'array of: file'],
    [{ type: 'array', items: { type: 'boolean' }, minItems: 1 }, 'array, at least 1 of: boolean'],
    [{ type: 'array', items: { type: 'boolean' }, maxItems: 2 }, 'array, at most 2 of: boolean'],
    [{ type: 'array', items: { type: 'boolean' }, minItems: 1, maxItems: 2 }, 'array, 1 to 2 of: boolean'],
    [{ type: 'object', properties: { a: thing, b: { type: 'number' } } }, '{ a: Thing, b: number }'],
    [{ type: 'object', additionalProperties: { type: 'string' } }, 'object, each value: string'],
    [{ type: 'object', additionalProperties: false }, 'object'],
    [{}, 'file'],
    [{ type: ['string', 'null'] }, 'string or null'],
    [{ type: 'string', format: 'uri' }, 'string (uri)'],
    [{ type: 'string', contentEncoding: 'base64', contentMediaType: 'image/png' }, 'string (base64)'],
    [{ type: 'integer', minimum: 0, maximum: 9 }, 'integer, 0 to 9'],
    [{ type: 'string', minLength: 2 }, 'string, at least 2 characters'],
    [{ type: 'string', minLength: 2, maxLength: 3 }, 'string, 2 to 3 characters'],
  ];
  for (const [schema, text] of TEXTS) {
    it(text, () => assert.equal(textOf(`${schemaText(schema)}`), text));
  }

  it('is a file where it has no type, or says so', () => {
    for (const schema of [{}, { contentMediaType: 'image/png' }, file] as Schema[]) assert.ok(isFile(schema));
    const others = [
      thing,
      { contentEncoding: 'base64', contentMediaType: 'image/png' },
      { type: 'string' },
      { enum: [1] },
      { const: 1 },
      { properties: {} },
      { anyOf: [] },
      { oneOf: [] },
    ] as Schema[];
    for (const schema of others) assert.ok(!isFile(schema), JSON.stringify(schema));
  });
});

describe('an example', () => {
  const schemas = {
    Thing: { type: 'object', required: ['id'], properties: { id: { type: 'integer', minimum: 7 } } },
    Alias: thing,
  } as Schemas;
  const EXAMPLES: [Schema, unknown][] = [
    [thing, { id: 7 }],
    [{ $ref: '#/components/schemas/Alias' }, { id: 7 }],
    [{ $ref: '#/components/schemas/Gone' }, 'text'],
    [{ type: 'string', example: 'own', const: 'c' }, 'own'],
    [{ type: 'string', examples: ['first', 'second'], default: 'd' }, 'first'],
    [{ const: 'c', default: 'd' }, 'c'],
    [{ default: 'd', enum: ['e'] }, 'd'],
    [{ enum: ['e', 'f'] }, 'e'],
    [{ oneOf: [thing, { type: 'null' }] }, { id: 7 }],
    [{ type: 'array' }, ['text']],
    [{ type: 'array', items: { type: 'boolean' }, minItems: 2 }, [false, false]],
    [
      { type: 'array', items: { oneOf: [thing, { type: 'null' }] }, minItems: 3 },
      [{ id: 7 }, null, { id: 7 }],
    ],
    [{ type: 'array', items: { properties: {}, anyOf: [{}, {}] } }, [{}]],
    [{ type: 'object' }, {}],
    [{ type: 'object', additionalProperties: true }, {}],
    [{ type: 'object', additionalProperties: { type: 'integer' } }, { name: 1 }],
    [{ type: 'integer', minimum: 0, maximum: 9 }, 0],
    [{ type: 'number', maximum: 0.5 }, 0.5],
    [{ type: 'number', maximum: 2 }, 1],
    [{ type: 'number' }, 1],
    [{ type: 'boolean' }, false],
    [{ type: ['null', 'string'] }, null],
    [{ type: 'string' }, 'text'],
    [{ type: 'string', minLength: 6 }, 'text..'],
    [{ type: 'string', format: 'uri' }, 'https://example.com/'],
    [{ type: 'string', format: 'uri-reference' }, '/'],
    [{ type: 'string', format: 'date-time' }, '2026-01-01T00:00:00Z'],
    [{ type: 'string', format: 'other' }, 'text'],
    [{ type: 'string', contentEncoding: 'base64' }, '<base64 of photo.jpg>'],
    [
      {
        type: 'object',
        required: ['a'],
        properties: {
          a: { type: 'null' },
          b: { type: 'string', example: 'b' },
          c: { type: 'string' },
          d: { type: 'boolean' },
          e: { type: 'string', example: 'e' },
        },
        anyOf: [{ required: ['d'] }, { required: ['e'] }, {}],
      },
      { a: null, b: 'b', d: false },
    ],
  ];
  for (const [schema, example] of EXAMPLES) {
    it(`of ${JSON.stringify(schema)}`, () => assert.deepEqual(exampleOf(schema, schemas), example));
  }

  it('of each of several alternatives has their names, or their numbers', () => {
    const schema = { anyOf: [thing, { type: 'null' }] } as Schema;
    assert.deepEqual(examplesOf({ schema }, schemas), [
      { name: 'Thing', value: { id: 7 } },
      { name: '2', value: null },
    ]);
    assert.deepEqual(examplesOf({ schema: { oneOf: [thing] } }, schemas), [{ name: '', value: { id: 7 } }]);
    assert.deepEqual(examplesOf({ schema, example: 5 }, schemas), [{ name: '', value: 5 }]);
    assert.deepEqual(examplesOf({ schema: thing }, schemas), [{ name: '', value: { id: 7 } }]);
    assert.deepEqual(examplesOf({ schema: thing, examples: { a: { $ref: '#/x' } } }, schemas), [
      { name: '', value: { id: 7 } },
    ]);
    assert.deepEqual(examplesOf({}, {}), [{ name: '', value: 'text' }]);
  });
});

describe('pieces of a page', () => {
  it('are written like this', () => {
    assert.equal(definitions([]), '');
    assert.equal(
      `${definitions(
        [
          { term: '<a>', meaning: 1 },
          { term: 'b', kind: 'k', meaning: 'm' },
        ],
        'narrow',
      )}`,
      '<dl class="narrow">\n<div><dt>&lt;a&gt;</dt><dd>1</dd></div>\n<div><dt>b <span class="kind">k</span></dt><dd>m</dd></div>\n</dl>\n',
    );
    assert.match(`${definitions([{ term: 'a', meaning: 'b' }])}`, /^<dl class="wide">/);
    const origin = '<span class="origin">http://origin.invalid</span>';
    assert.equal(
      `${shell('a "b"', "curl 'http://origin.invalid/a' 'http://origin.invalid'")}`,
      `<pre class="curl" data-name="a &quot;b&quot;"><code>curl &#39;${origin}/a&#39; &#39;${origin}&#39;</code></pre>`,
    );
  });

  it('have JSON in one line up to 48 characters', () => {
    const laidOut = (value: unknown) => textOf(`${json(value)}`);
    const fits = { a: ['x'.repeat(38)] };
    assert.equal(JSON.stringify(fits).length, 48);
    assert.equal(laidOut(fits), JSON.stringify(fits));
    assert.equal(laidOut('x'.repeat(99)), `"${'x'.repeat(99)}"`);
    assert.equal(laidOut(null), 'null');
    const long = 'x'.repeat(45);
    assert.equal(laidOut({ a: [1, long], b: 2 }), `{\n  "a": [\n    1,\n    "${long}"\n  ],\n  "b": 2\n}`);
  });

  it('have a link from each code that begins a line to its section', () => {
    assert.equal(
      `${withLinks('Overloaded: a <b>\n\nNo: c\n\nx Overloaded: d')}`,
      '<a href="#Overloaded">Overloaded</a>: a &lt;b&gt;<br>No: c<br>x Overloaded: d',
    );
  });
});

describe('limits', () => {
  const rows = (parts: Partial<AppParts>) =>
    Object.fromEntries(
      limitsOf({ maxBodyBytes: 1023, ...parts } as AppParts, {} as Context).map(({ what, value, code }) => [
        what,
        `${value} ${code}`,
      ]),
    );
  const ALWAYS = {
    'Body of a request': '1,023 bytes ImageTooLarge',
    'Kinds of images':
      'image/jpeg, image/png, image/webp, image/avif, image/gif, image/tiff UnsupportedImage',
    'Pixels of an image':
      '256,000,000 of WebP and of JPEG that is not progressive, 50,000,000 of AVIF, 128,000,000 of others ImageTooLarge',
    'Images in a form, other parts counted': '20 InvalidRequest',
    'Headers of a part of a form': '8,192 bytes (8 KiB) MalformedRequest',
    'JSON beside its texts': '65,536 bytes (64 KiB) InvalidRequest',
  };

  it('say of the time for an answer what was set, however long it takes to write them', (t) => {
    t.mock.timers.enable({ apis: ['Date'] });
    const write = Number.prototype.toLocaleString;
    t.mock.method(Number.prototype, 'toLocaleString', function slowly(this: number, language: string) {
      t.mock.timers.tick(1_000);
      return write.call(this, language);
    });
    const { 'Time from a request to its answer, its images together': time } = rows({
      deadlineOf: () => Date.now() + 30_000,
    });
    assert.equal(time, '30 s DeadlineExceeded');
  });

  it('are those of every deployment, and those that a deployment sets', () => {
    const { 'Time to decode an image': _, ...plain } = rows({});
    assert.deepEqual(plain, ALWAYS);
    const { 'Time to decode an image': __, ...all } = rows({
      maxImages: 1_000,
      deadlineOf: () => Date.now() + 30_000,
      readS3: () => assert.fail(),
      uploads: {} as NonNullable<AppParts['uploads']>,
      limits: {
        headerBytes: 1024,
        requestTimeout: 1_500,
        slowestBody: { bytes: 10_000, milliseconds: 2_500 },
        objectBytes: 1 << 20,
        pixels: 1_234,
        uploadBytes: (1 << 20) - 1,
      },
    });
    assert.deepEqual(all, {
      ...ALWAYS,
      'Headers of a request': '1,024 bytes (1 KiB) HeadersTooLarge',
      'Pixels of an image': '1,234 ImageTooLarge',
      'Images in a form, other parts counted': '1,000 InvalidRequest',
      'Image in S3': '1,048,576 bytes (1 MiB) ImageTooLarge',
      Upload: '1,048,575 bytes (1024 KiB) ImageTooLarge',
      'Time for a request to arrive, from its first byte to its last': '1.5 s RequestTimeout',
      'What a body brings in each 2.5 s until it is there, at least': '10,000 bytes (9.8 KiB) RequestTimeout',
      'Time from a request to its answer, its images together': '30 s DeadlineExceeded',
    });
    assert.equal(rows({ readS3: () => assert.fail() })['Image in S3'], '1,023 bytes ImageTooLarge');
    assert.equal(rows({ limits: { uploadBytes: 1 } }).Upload, undefined);
  });

  it('name the status of what is beyond them', () => {
    assert.equal(
      `${limitsSection([{ what: 'Size', value: '3', code: 'ImageTooLarge' }])}`,
      '<dl class="wide">\n<div><dt>Size</dt><dd>3. Otherwise: <a href="#ImageTooLarge">ImageTooLarge</a> (413)</dd></div>\n</dl>\n',
    );
  });
});
