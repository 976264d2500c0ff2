/** The Parquet file, read back by hyparquet. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FileMetaData, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { parquetOf } from '../../../src/cli/bucket/results-parquet.ts';
import type { ResultDocument } from '../../../src/s3/results.ts';
import { captioned, failed, MODEL } from './documents.ts';

async function* each(documents: Iterable<ResultDocument>) {
  yield* documents;
}

async function written(documents: Iterable<ResultDocument>) {
  const pieces: Uint8Array[] = [];
  for await (const piece of parquetOf(each(documents))) pieces.push(piece);
  // A view into Node's pool would have other bytes around it.
  const file = new Uint8Array(Buffer.concat(pieces)).buffer;
  const metadata: FileMetaData = parquetMetadata(file);
  const rows: Record<string, unknown>[] = await parquetReadObjects({ file, metadata });
  return { pieces, metadata, rows };
}

function calibrated(key: string): ResultDocument {
  const document = captioned(key);
  if (document.status === 'failed') throw new Error('a caption');
  const [best] = document.result.captions;
  const second = { ...best!, text: 'another', probability: 0.25 };
  const result = { ...document.result, captions: [best!, second], confidence: 0.75 };
  return { ...document, source: { ...document.source, versionId: '3/L4' }, result };
}

describe('the Parquet file of results', () => {
  it('has a row for each document, every character and number kept', async () => {
    const key = 'holiday, "best"\n=1+1 ü 🐕.jpg';
    const { rows } = await written([calibrated(key), failed('b.jpg'), captioned('c.jpg')]);
    const common = { bucket: 'photos', model: 'test', model_hash: MODEL.hash };
    const writtenAt = new Date('2026-01-02T03:04:05.000Z');
    assert.deepEqual(rows[0], {
      ...common,
      key,
      version_id: '3/L4',
      status: 'captioned',
      caption: `a picture of ${key}`,
      probability: Math.exp(-1),
      confidence: 0.75,
      captions: [
        { text: `a picture of ${key}`, probability: Math.exp(-1) },
        { text: 'another', probability: 0.25 },
      ],
      width: 4,
      height: 3,
      format: 'jpeg',
      code: null,
      message: null,
      written_at: writtenAt,
    });
    assert.deepEqual(rows[1], {
      ...common,
      key: 'b.jpg',
      version_id: null,
      status: 'failed',
      caption: null,
      probability: null,
      confidence: null,
      // So this reader says that there is no list.
      captions: undefined,
      width: null,
      height: null,
      format: null,
      code: 'UnsupportedImage',
      message: 'damaged',
      written_at: writtenAt,
    });
    assert.equal(rows[2]!.confidence, null);
  });

  it('comes a group of rows at a time', async () => {
    const documents = Array.from({ length: 25_000 }, (_, i) => captioned(`${i}.jpg`));
    const { pieces, metadata, rows } = await written(documents);
    assert.equal(pieces.length, 3);
    assert.deepEqual(
      metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
      [10_000, 10_000, 5_000],
    );
    assert.deepEqual(
      rows.map(({ key }) => key),
      documents.map(({ source }) => source.key),
    );
  });

  it('is one without rows where there is no result', async () => {
    const { metadata, rows } = await written([]);
    assert.deepEqual([Number(metadata.num_rows), rows], [0, []]);
  });
});
