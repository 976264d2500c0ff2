/** docs/search.md has the columns that the Parquet file has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parquetMetadata, parquetSchema, type SchemaTree } from 'hyparquet';
import { parquetOf } from '../../src/cli/bucket/results-parquet.ts';
import { blocksOf, readDocument } from './documents.ts';

const document = readDocument('docs/search.md');
const columns = await columnsOfFile();

async function columnsOfFile(): Promise<SchemaTree[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of parquetOf((async function* () {})())) pieces.push(piece);
  return parquetSchema(parquetMetadata(new Uint8Array(Buffer.concat(pieces)).buffer)).children;
}

/** As Hive and Athena call it. https://docs.aws.amazon.com/athena/latest/ug/data-types.html */
function hiveTypeOf({ element, children }: SchemaTree): string {
  const { type, converted_type } = element;
  if (converted_type === 'LIST') return `array<${hiveTypeOf(children[0]!.children[0]!)}>`;
  if (children.length > 0) {
    return `struct<${children.map((child) => `${child.element.name}:${hiveTypeOf(child)}`).join(',')}>`;
  }
  if (converted_type === 'UTF8') return 'string';
  if (converted_type === 'TIMESTAMP_MILLIS') return 'timestamp';
  return { DOUBLE: 'double', INT32: 'int' }[type as 'DOUBLE' | 'INT32'];
}

test('the table for Athena has the columns of the file, in their order and of their types', () => {
  const definition = blocksOf(document, 'sql').find((block) => block.startsWith('CREATE EXTERNAL TABLE'))!;
  const defined = [...definition.matchAll(/^ {2}`(\w+)` (.+?),?$/gm)].map(([, name, type]) => [name, type]);
  assert.deepEqual(
    defined,
    columns.map((column) => [column.element.name, hiveTypeOf(column)]),
  );
});

test('every column that a sentence names is one', () => {
  const names = columns.map(({ element }) => element.name);
  const named = document.spans.filter((span) => /^[a-z_]+$/.test(span));
  assert.ok(named.length > 3);
  assert.deepEqual(
    named.filter((name) => !names.includes(name)),
    [],
  );
});
