/** What programs that make clients need of `/openapi.json`; `npm run test:api` makes clients with two of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { MAX_PARTS } from '../../../src/http/request/multipart.ts';
import { COFFEE } from '../../support/samples.ts';
import { appWith, ask, assertProblem, postJson } from '../harness.ts';

interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  additionalProperties?: Schema | boolean;
  pattern?: string;
  maximum?: number;
  maxItems?: number;
}
interface MediaType {
  schema?: Schema;
  examples?: Record<string, { value: unknown }>;
}
type Content = Record<string, MediaType>;
interface Operation {
  operationId: string;
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const PHOTO = readFileSync(COFFEE);
const MAX_UPLOAD_BYTES = 64 << 20;
const announced = { id: 'x', method: 'PUT', url: 'https://s3', headers: {}, expiresInSeconds: 1 } as const;
/** With all that a deployment may have. */
const app = appWith({
  readS3: async () => PHOTO,
  uploads: { maxBytes: MAX_UPLOAD_BYTES, announce: async () => announced, outcome: async () => null },
});
const document = (await (await app.request('/openapi.json')).json()) as Document;
const { schemas } = document.components;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);
const bodies = operations.flatMap(({ path, method, operation }) =>
  Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) => ({
    path,
    method,
    type,
    media,
  })),
);

function resolved(schema: Schema): Schema {
  return schema.$ref === undefined ? schema : schemas[schema.$ref.slice('#/components/schemas/'.length)]!;
}

/** Objects with properties that have no name of their own, by where they are. */
function unnamed(schema: Schema, at: string): string[] {
  const { properties, items, anyOf = [], oneOf = [], additionalProperties } = schema;
  const inside = [items, ...anyOf, ...oneOf, additionalProperties].filter((one) => typeof one === 'object');
  return [
    ...(properties === undefined ? [] : [at]),
    ...inside.flatMap((one) => unnamed(one, at)),
    ...Object.entries(properties ?? {}).flatMap(([name, value]) => unnamed(value, `${at}.${name}`)),
  ];
}

/** As a client sends an example; files are text there. */
function bodyOf(type: string, value: unknown): string | FormData {
  if (type === 'application/json') return JSON.stringify(value);
  if (type !== 'multipart/form-data') return value as string;
  const form = new FormData();
  for (const [name, files] of Object.entries(value as Record<string, string | string[]>)) {
    for (const file of [files].flat()) form.append(name, new Blob([file]), 'pixel');
  }
  return form;
}

describe('the OpenAPI document', () => {
  it('names every object, since generators make up names such as ResultsItemType0', () => {
    const inPaths = operations.flatMap(({ path, operation: { requestBody, responses } }) =>
      [requestBody?.content ?? {}, ...Object.values(responses).map(({ content = {} }) => content)].flatMap(
        (content) => Object.values(content).flatMap(({ schema = {} }) => unnamed(schema, path)),
      ),
    );
    const inSchemas = Object.entries(schemas).flatMap(([name, schema]) =>
      unnamed(schema, name).filter((at) => at !== name),
    );
    assert.deepEqual([...inPaths, ...inSchemas], []);
  });

  it('has no object that is a union by what it requires, of which generators make “any”', () => {
    for (const [name, { properties, anyOf, oneOf }] of Object.entries(schemas)) {
      assert.ok(properties === undefined || (anyOf ?? oneOf) === undefined, name);
    }
  });

  it('has a name for every operation', () => {
    for (const { operation } of operations) assert.match(operation.operationId, /^[a-z][A-Za-z]+$/);
  });

  it('has the bounds that requests are held to', async () => {
    const { UploadRequest, CaptionForm, CaptionRequest } = schemas;
    assert.deepEqual(Object.keys(UploadRequest!.properties!), ['contentType', 'bytes']);
    assert.equal(UploadRequest!.properties!.bytes!.maximum, MAX_UPLOAD_BYTES);
    assert.equal(CaptionForm!.additionalProperties, false);
    assert.equal(CaptionForm!.properties!.image!.maxItems, MAX_PARTS);
    const phrase = new RegExp(CaptionRequest!.properties!.requiredWords!.items!.pattern!);
    for (const [text, isPhrase] of [
      ['cup', true],
      [' a  cup\tof tea ', true],
      ['', false],
      [' ', false],
      ['a cup of green tea', false],
    ] as const) {
      assert.equal(phrase.test(text), isPhrase, text);
      const answer = await postJson(appWith(), '/captions', { image: 'AA==', requiredWords: [text] });
      assertProblem(answer, isPhrase ? 'UnsupportedImage' : 'InvalidRequest');
    }
  });

  it('says that a file is a file, alone or as a part of a form', () => {
    let files = 0;
    for (const { type, media } of bodies) {
      if (type === 'application/json') continue;
      const schema = resolved(media.schema!);
      const image = schema.properties?.image;
      const file = type === 'multipart/form-data' ? (image?.items ?? image) : schema;
      assert.deepEqual([file?.type, file?.format], ['string', 'binary'], type);
      files += 1;
    }
    assert.equal(files, 4);
  });

  for (const { path, method, type, media } of bodies) {
    it(`has examples of ${type} for ${path}, which are taken as they are`, async () => {
      const examples = Object.values(media.examples ?? {});
      assert.ok(examples.length > 0);
      for (const { value } of examples) {
        const body = bodyOf(type, value);
        const headers = body instanceof FormData ? {} : { 'content-type': type.replace('*', 'tiff') };
        const answer = await app.request(path, { method, body, headers });
        assert.ok(answer.status < 300, await answer.text());
      }
    });
  }
});

describe('a problem document', () => {
  for (const path of ['/captions/6ü%F3%81', '/captions/a|b"<>`{}^', '/captions/%', '/%zz', '/a b', '//x']) {
    it(`tells ${path} as a URI has it`, async () => {
      // `ask` holds the answer to the document, which has a format there.
      const { body } = await ask<{ instance: string }>(appWith(), path);
      assert.match(body.instance, /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})+$/);
    });
  }
});

describe('every address', () => {
  for (const [what, deployed] of [
    ['with uploads', app],
    ['without', appWith()],
  ] as const) {
    it(`says which methods it takes, in a deployment ${what}`, async () => {
      const { paths } = (await (await deployed.request('/openapi.json')).json()) as Document;
      assert.equal('/uploads' in paths, deployed === app);
      assert.equal('/captions/{id}' in paths, deployed === app);
      const pages = ['/', '/docs', '/openapi.json'].map((path) => [path, { get: {} }] as const);
      for (const [path, item] of [...Object.entries(paths), ...pages]) {
        const taken = Object.keys(item).flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : ['POST']));
        const address = path.replace('{id}', 'A'.repeat(32));
        for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
          const { status, headers } = await deployed.request(address, { method });
          assert.equal(status === 405, !taken.includes(method), `${method} ${path}`);
          if (status === 405) assert.equal(headers.get('allow'), taken.join(', '));
        }
        const [got, headed] = await Promise.all(
          ['GET', 'HEAD'].map((method) => deployed.request(address, { method })),
        );
        assert.equal(headed!.status, got!.status);
        assert.equal(await headed!.text(), '');
      }
    });
  }
});
