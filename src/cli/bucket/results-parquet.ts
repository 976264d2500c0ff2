/** Result documents as a Parquet file, for whatever searches tables: one row a document, columns as in the CSV and more. */
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import type { ResultDocument } from '../../s3/results.ts';
import { best } from './results-csv.ts';

/** Rows that are in memory at a time, and that readers skip or read together. */
const GROUP_ROWS = 10_000;

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];
type Element = Schema[number];

interface Column {
  name: string;
  /** The column's part of the file's schema, itself first. */
  schema: Schema;
  of: (document: ResultDocument) => unknown;
}

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
const DOUBLE = { type: 'DOUBLE' } as const;
const INTEGER = { type: 'INT32' } as const;
const TIME = { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' } as const;

function column(
  name: string,
  type: Partial<Element>,
  of: Column['of'],
  repetition_type: 'REQUIRED' | 'OPTIONAL' = 'OPTIONAL',
): Column {
  return { name, schema: [{ name, repetition_type, ...type }], of };
}

/** A list in the three levels that all readers take: LogicalTypes.md of the format. */
function listOf(name: string, fields: Record<string, Partial<Element>>, of: Column['of']): Column {
  const members = Object.entries(fields);
  return {
    name,
    schema: [
      { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'OPTIONAL', num_children: members.length },
      ...members.map(([field, type]): Element => ({ name: field, repetition_type: 'OPTIONAL', ...type })),
    ],
    of,
  };
}

/** Names in small letters, as Athena has them. */
const COLUMNS: readonly Column[] = [
  column('bucket', TEXT, ({ source }) => source.bucket, 'REQUIRED'),
  column('key', TEXT, ({ source }) => source.key, 'REQUIRED'),
  column('version_id', TEXT, ({ source }) => source.versionId),
  column('status', TEXT, ({ status }) => status, 'REQUIRED'),
  column('caption', TEXT, (document) => best(document)?.text),
  column('probability', DOUBLE, (document) => best(document)?.probability),
  column('confidence', DOUBLE, (document) => resultOf(document)?.confidence),
  listOf('captions', { text: TEXT, probability: DOUBLE }, (document) =>
    resultOf(document)?.captions.map(({ text, probability }) => ({ text, probability })),
  ),
  column('width', INTEGER, (document) => resultOf(document)?.width),
  column('height', INTEGER, (document) => resultOf(document)?.height),
  column('format', TEXT, (document) => resultOf(document)?.format),
  column('code', TEXT, (document) => failureOf(document)?.code),
  column('message', TEXT, (document) => failureOf(document)?.message),
  column('model', TEXT, ({ model }) => model.name, 'REQUIRED'),
  column('model_hash', TEXT, ({ model }) => model.hash, 'REQUIRED'),
  column('written_at', TIME, ({ writtenAt }) => new Date(writtenAt), 'REQUIRED'),
];
const SCHEMA: Schema = [
  { name: 'result', num_children: COLUMNS.length },
  ...COLUMNS.flatMap(({ schema }) => schema),
];

/** The file piece by piece, a group of rows at a time. */
export async function* parquetOf(documents: AsyncIterable<ResultDocument>): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter();
  const file = new ParquetWriter({ writer: bytes, schema: SCHEMA, createdBy: 'show-and-tell' });
  let rows: ResultDocument[] = [];
  for await (const document of documents) {
    rows.push(document);
    if (rows.length < GROUP_ROWS) continue;
    await file.write({ columnData: columnsOf(rows), rowGroupSize: GROUP_ROWS });
    rows = [];
    yield taken(bytes);
  }
  await file.write({ columnData: columnsOf(rows), rowGroupSize: GROUP_ROWS });
  await file.finish();
  yield taken(bytes);
}

function columnsOf(rows: readonly ResultDocument[]): ColumnSource[] {
  return COLUMNS.map(({ name, of }) => ({ name, data: rows.map(of) }));
}

/** What has been written since the last time; `offset` goes on, which the places of columns in the file are counted by. */
function taken(bytes: ByteWriter): Uint8Array {
  const piece = bytes.getBytes().slice();
  bytes.index = 0;
  return piece;
}

function resultOf(document: ResultDocument) {
  return document.status === 'captioned' ? document.result : undefined;
}

function failureOf(document: ResultDocument) {
  return document.status === 'failed' ? document.error : undefined;
}
