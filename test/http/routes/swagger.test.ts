/** The Swagger 2.0 document: valid, complete, and true of the answers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { lint } from '../../support/lint-openapi.ts';
import { COFFEE } from '../../support/samples.ts';
import { app, formOf, openApi } from '../harness.ts';

interface Operation {
  consumes?: string[];
  parameters?: { name: string; in: string; type: string; required: boolean }[];
  responses: Record<string, { schema: { $ref: string } }>;
}
interface Swagger {
  swagger: string;
  basePath: string;
  paths: Record<string, Record<string, Operation>>;
  definitions: Record<string, Record<string, unknown>>;
}

const response = await app.request('/swagger.json');
const swagger = (await response.json()) as Swagger;

describe('GET /swagger.json', () => {
  it('is a Swagger 2.0 document in which redocly finds nothing to say', async () => {
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type')!, /^application\/json/);
    assert.deepEqual([swagger.swagger, swagger.basePath], ['2.0', '/']);
    assert.deepEqual(await lint(swagger), []);
    const { definitions: _, ...broken } = swagger;
    assert.ok((await lint(broken)).includes('no-unresolved-refs'));
  });

  it('has the MAX routes with the answers that the OpenAPI document has', () => {
    const max = Object.entries(openApi.paths).filter(([path]) => path.startsWith('/model/'));
    assert.deepEqual(Object.keys(swagger.paths).sort(), max.map(([path]) => path).sort());
    for (const [path, item] of max) {
      for (const [method, { responses }] of Object.entries(item)) {
        assert.deepEqual(Object.keys(swagger.paths[path]![method]!.responses), Object.keys(responses));
      }
    }
  });

  it('asks for one image in a form', () => {
    const { consumes, parameters } = swagger.paths['/model/predict']!.post!;
    assert.deepEqual(consumes, ['multipart/form-data']);
    assert.deepEqual(
      parameters!.map(({ name, in: place, type, required }) => [name, place, type, required]),
      [['image', 'formData', 'file', true]],
    );
  });

  it('defines what IBM’s does', () => {
    const { definitions } = JSON.parse(
      JSON.stringify(swagger, (key, value) => (key === 'description' ? undefined : value)),
    ) as Swagger;
    const texts = (...names: string[]) => ({
      type: 'object',
      required: names,
      properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    });
    const predictions = { type: 'array', items: { $ref: '#/definitions/LabelPrediction' } };
    // Its name is that of the texts which are left out above.
    const { required: _, ...metadata } = texts('id', 'name', 'type', 'source', 'license');
    assert.deepEqual(definitions, {
      ModelPredictResponse: {
        type: 'object',
        required: ['status', 'predictions'],
        properties: { status: { type: 'string' }, predictions },
      },
      LabelPrediction: {
        type: 'object',
        required: ['index', 'caption', 'probability'],
        properties: {
          index: { type: 'string' },
          caption: { type: 'string' },
          probability: { type: 'number' },
        },
      },
      ModelMetadata: { ...metadata, required: ['id', 'name', 'description', 'type', 'source', 'license'] },
      Error: {
        type: 'object',
        required: ['message'],
        properties: {
          message: { type: 'string' },
          errors: { type: 'object', properties: { image: { type: 'string' } } },
        },
      },
    });
  });

  it('says what the answers are', async () => {
    const ajv = new Ajv({ strict: true });
    const closed = Object.entries(swagger.definitions).map(([name, schema]) => [
      name,
      { ...schema, additionalProperties: false },
    ]);
    ajv.addSchema({ $id: 'swagger', definitions: Object.fromEntries(closed) });
    const answers: [path: string, init: RequestInit, status: number][] = [
      ['/model/metadata', {}, 200],
      ['/model/predict', { method: 'POST', body: formOf(['cup.jpg', readFileSync(COFFEE)]) }, 200],
      ['/model/predict', { method: 'POST', body: new FormData() }, 400],
      ['/model/predict', { method: 'POST', body: formOf(['a.jpg', Buffer.alloc(2 << 20)]) }, 413],
    ];
    for (const [path, init, status] of answers) {
      const answer = await app.request(path, init);
      assert.equal(answer.status, status);
      const { $ref } = swagger.paths[path]![init.method?.toLowerCase() ?? 'get']!.responses[status]!.schema;
      const validate = ajv.compile({ $ref: inlined($ref) });
      assert.ok(validate(await answer.json()), ajv.errorsText(validate.errors));
    }
  });
});

const inlined = (reference: string) => `swagger${reference}`;
