import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { BASE64, type Content, exampleOf, examplesOf } from '../../../src/http/docs/example.ts';
import type { Schema, Schemas } from '../../../src/http/docs/schema-text.ts';
import { captioner, openApi, validatorOf } from '../harness.ts';

after(() => captioner.close());

const schemas = openApi.components.schemas as Schemas;

function assertFits(schema: object, value: unknown, what: string): void {
  const validate = validatorOf(schema);
  assert.ok(validate(value), `${what}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(value)}`);
}

describe('the examples of the reference', () => {
  it('are what the schemas of the document allow', () => {
    for (const [name, schema] of Object.entries(schemas))
      assertFits(schema, exampleOf(schema, schemas), name);
  });

  it('are that for the bodies of all requests and answers too', () => {
    let checked = 0;
    for (const [path, item] of Object.entries(openApi.paths)) {
      for (const operation of Object.values(item)) {
        for (const { content = {} } of Object.values(operation.responses)) {
          for (const media of Object.values(content)) {
            for (const { value } of examplesOf(media as Content, schemas)) {
              assertFits(media.schema, value, path);
              checked++;
            }
          }
        }
      }
    }
    assert.ok(checked > 20);
  });

  it('are the document’s own where it has some', () => {
    const schema: Schema = { type: 'object', properties: { count: { type: 'integer' } } };
    const named = { few: { summary: 'Two', value: { count: 2 } }, many: { value: { count: 9 } } };
    assert.deepEqual(examplesOf({ schema, example: { count: 3 } }, {}), [{ name: '', value: { count: 3 } }]);
    assert.deepEqual(examplesOf({ schema, examples: named }, {}), [
      { name: 'Two', value: { count: 2 } },
      { name: 'many', value: { count: 9 } },
    ]);
    assert.deepEqual(exampleOf({ ...schema, examples: [{ count: 4 }] }, {}), { count: 4 });
  });

  it('have no image in them, which would be long to read', () => {
    const image: Schema = { type: 'string', contentEncoding: 'base64' };
    const schema: Schema = { type: 'object', properties: { image, all: { type: 'array', items: image } } };
    assert.deepEqual(examplesOf({ schema, example: { image: 'AAAA', all: ['BBBB'], other: 1 } }, {}), [
      { name: '', value: { image: BASE64, all: [BASE64], other: 1 } },
    ]);
  });

  it('show each of several forms, and one form of a choice between fields', () => {
    const kinds: Schema = {
      anyOf: [
        { type: 'integer', minimum: 5 },
        { type: 'string', minLength: 6 },
      ],
    };
    assert.deepEqual(
      examplesOf({ schema: kinds }, {}).map(({ value }) => value),
      [5, 'text..'],
    );
    assert.deepEqual(exampleOf({ type: 'array', items: kinds }, {}), [5, 'text..']);
    const properties: Schemas = {
      image: { type: 'string' },
      s3: { type: 'string', example: 'key' },
      count: { example: 2 },
    };
    const choice: Schema = {
      type: 'object',
      properties,
      oneOf: [{ required: ['image'] }, { required: ['s3'] }],
    };
    assert.deepEqual(exampleOf(choice, {}), { image: 'text', count: 2 });
  });
});
