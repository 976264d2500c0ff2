/** The items of a distributed map. https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html */
import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import type { ItemReader } from './definition.ts';
import { evaluate, type States, StatesError } from './expressions.ts';

/** @throws StatesError */
export async function readItems(reader: ItemReader, states: States, s3: S3Client): Promise<unknown[]> {
  const place = (await evaluate(reader.Arguments, states)) as Record<string, string>;
  try {
    if (!('ReaderConfig' in reader)) return await list(s3, place.Bucket!, place.Prefix!);
    const file = await read(s3, place.Bucket!, place.Key!);
    if (reader.ReaderConfig.InputType === 'CSV') return tableOf(file.toString('utf8'));
    return await readInventory(s3, place.Bucket!, file);
  } catch (error) {
    throw new StatesError('States.ItemReaderFailed', String(error));
  }
}

async function list(s3: S3Client, Bucket: string, Prefix: string): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix })) {
    for (const { Key, Size, ETag, LastModified, StorageClass } of page.Contents ?? []) {
      items.push({ Etag: ETag, Key, LastModified: Number(LastModified) / 1000, Size, StorageClass });
    }
  }
  return items;
}

async function read(s3: S3Client, Bucket: string, Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from(await Body!.transformToByteArray());
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html */
const inventorySchema = z.object({ fileSchema: z.string(), files: z.array(z.object({ key: z.string() })) });

async function readInventory(s3: S3Client, bucket: string, manifest: Buffer): Promise<unknown[]> {
  const { fileSchema, files } = inventorySchema.parse(JSON.parse(manifest.toString('utf8')));
  const columns = fileSchema.split(',').map((name) => name.trim());
  const tables = await Promise.all(files.map(({ key }) => read(s3, bucket, key)));
  return tables.flatMap((gzip) =>
    rowsOf(gunzipSync(gzip).toString('utf8')).map((row) => named(columns, row)),
  );
}

/** First row: names of the columns. */
function tableOf(csv: string): unknown[] {
  const [columns = [], ...rows] = rowsOf(csv);
  return rows.map((row) => named(columns, row));
}

function named(columns: string[], row: string[]): Record<string, string> {
  return Object.fromEntries(columns.map((name, i) => [name, row[i] ?? '']));
}

/** RFC 4180, without line ends inside quotes. */
function rowsOf(csv: string): string[][] {
  return csv
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      ),
    );
}
