import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_BEAM_WIDTH, MAX_CAPTION_LENGTH, OPTIONS } from '../../../src/caption/options.ts';
import { PROBLEMS } from '../../../src/http/failures.ts';
import { lint } from '../../support/lint-openapi.ts';
import { app, appWith, ask, bundle, openApi } from '../harness.ts';

describe('GET /openapi.json', () => {
  it('is an OpenAPI 3.1 document in which redocly finds nothing to say', async () => {
    assert.equal((openApi as unknown as { openapi: string }).openapi, '3.1.0');
    assert.deepEqual(await lint(openApi), []);
  });

  it('is one also where there are uploads', async () => {
    const uploads = { maxBytes: 64 << 20, announce: () => assert.fail(), outcome: () => assert.fail() };
    const document = (await (await appWith({ uploads }).request('/openapi.json')).json()) as typeof openApi;
    assert.ok(document.paths['/uploads'] && document.paths['/captions/{id}']);
    assert.deepEqual(await lint(document), []);
  });

  it('would not be called clean with a fault in it', async () => {
    const { components: _, ...broken } = openApi;
    assert.ok((await lint(broken)).includes('no-unresolved-refs'));
  });

  it('has every route of the app but the pages, what belongs to them, and itself', () => {
    const pages = /^\/(docs|openapi\.json|swagger\.json|samples\/.*)?$/;
    const routes = app.routes.filter(({ method, path }) => method !== 'ALL' && !pages.test(path));
    const expected = new Set(routes.map(({ method, path }) => `${method} ${path}`));
    const found = Object.entries(openApi.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(found.sort(), [...expected].sort());
  });

  it('has the bounds of the core’s options, in the query and in JSON', () => {
    const { parameters } = openApi.paths['/captions']!.post as unknown as {
      parameters: { name: string; description: string; schema: Record<string, unknown>; explode?: boolean }[];
    };
    const { properties } = openApi.components.schemas.CaptionRequest as {
      properties: Record<string, Record<string, unknown>>;
    };
    const query = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema]));
    for (const options of [query, properties]) {
      assert.deepEqual([options.beamWidth!.minimum, options.beamWidth!.maximum], [1, MAX_BEAM_WIDTH]);
      assert.deepEqual([options.maxLength!.minimum, options.maxLength!.maximum], [1, MAX_CAPTION_LENGTH]);
      assert.equal(options.beamWidth!.default, undefined);
    }
    const { image: _, s3: __, ...fields } = properties;
    assert.deepEqual(Object.keys(query).sort(), Object.keys(fields).sort());
    assert.deepEqual(
      Object.keys(fields),
      OPTIONS.map(({ name }) => name),
    );
    for (const { name, description } of parameters) {
      assert.match(description, /^[A-Z][^{}]* Default: /);
      assert.equal(description, fields[name]!.description);
    }
    for (const { schema, explode } of parameters) assert.equal(explode === false, schema.type === 'array');
  });

  it('names every code that a problem may have', () => {
    const { properties } = openApi.components.schemas.Problem as { properties: { code: { enum: string[] } } };
    assert.deepEqual(properties.code.enum.toSorted(), Object.keys(PROBLEMS).sort());
  });

  it('may be kept as long as it stays the same', async () => {
    const { headers } = await app.request('/openapi.json');
    const etag = headers.get('etag')!;
    const again = await app.request('/openapi.json', { headers: { 'if-none-match': etag } });
    assert.equal(again.status, 304);
    assert.equal(headers.get('cache-control'), 'no-cache');
  });
});

describe('GET /model', () => {
  it('tells what the manifest says, without its files and shapes', async () => {
    const { status, body } = await ask<Record<string, unknown>>(app, '/model');
    const { name, description, license, decoding, metrics } = bundle.manifest;
    assert.equal(status, 200);
    assert.equal(body.hash, bundle.hash);
    assert.deepEqual(
      [body.name, body.description, body.license, body.decoding, body.metrics],
      [name, description, license, decoding, metrics],
    );
    assert.equal(body.files, undefined);
  });
});
