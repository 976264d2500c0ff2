/** The fake S3 with lists of its objects, in pages. */
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FakeS3, startFakeS3 } from '../aws/fake-s3.ts';

/** S3's own. */
const PAGE = 1000;

export interface ListingS3 extends FakeS3 {
  /** Lists that were asked for, one a page. */
  lists: number;
}

/** @param page objects in one answer */
export async function startListingS3(buckets: string[], page = PAGE): Promise<ListingS3> {
  const fake = await startFakeS3(buckets);
  const listing: ListingS3 = { ...fake, lists: 0 };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', fake.url);
    const bucket = url.pathname.split('/')[1] ?? '';
    if (!url.searchParams.has('list-type') || !buckets.includes(bucket)) {
      forward(request, response, fake.url);
      return;
    }
    listing.lists += 1;
    response.writeHead(200, { 'content-type': 'application/xml' }).end(listOf(fake, bucket, url, page));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  listing.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  listing.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await fake.close();
  };
  return listing;
}

/** A token is the last key of the page before. */
function listOf(fake: FakeS3, bucket: string, url: URL, page: number): string {
  const prefix = url.searchParams.get('prefix') ?? '';
  const after = url.searchParams.get('continuation-token') ?? '';
  const keys = fake
    .keys(bucket)
    .filter((key) => key.startsWith(prefix) && key > after)
    .sort((a, b) => (a < b ? -1 : 1));
  const shown = keys.slice(0, page);
  const next = keys.length > page ? shown.at(-1) : undefined;
  const contents = shown.map((key) => {
    const { bytes, etag } = fake.get(bucket, key)!;
    return `<Contents><Key>${escaped(key)}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${bytes.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  });
  const token = next === undefined ? '' : `<NextContinuationToken>${escaped(next)}</NextContinuationToken>`;
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name><Prefix>${escaped(prefix)}</Prefix><KeyCount>${shown.length}</KeyCount><MaxKeys>${page}</MaxKeys><IsTruncated>${next !== undefined}</IsTruncated>${contents.join('')}${token}</ListBucketResult>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"\r]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function forward(request: IncomingMessage, response: ServerResponse, origin: string): void {
  const { method, headers, url } = request;
  const onward = ask(`${origin}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}
