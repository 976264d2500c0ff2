import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { MAX_DECODE_SECONDS, MAX_WHOLE_PIXELS } from '../../../src/caption/image-input.ts';
import { ALL_PROBLEMS } from '../../../src/http/failures.ts';
import type { AppParts } from '../../../src/http/parts.ts';
import { MAX_PARTS } from '../../../src/http/request/multipart.ts';
import { type App, app, appWith, captioner, MAX_BODY_BYTES, openApi } from '../harness.ts';
import { linesOf, textOf } from './harness.ts';

after(() => captioner.close());

const uploads: NonNullable<AppParts['uploads']> = {
  announce: () => assert.fail(),
  outcome: () => assert.fail(),
  maxBytes: 1 << 20,
};

async function docsOf(
  of: App,
  init: RequestInit = {},
  address = 'http://127.0.0.1:8080/docs',
): Promise<string> {
  return (await of.request(address, init)).text();
}

/** What stands between the section of this id and the next one. */
function sectionOf(html: string, id: string): string {
  const start = html.indexOf(`<section id="${id}"`);
  assert.ok(start >= 0, `no section ${id}`);
  return textOf(html.slice(start, html.indexOf('</section>', start)));
}

/** The row of limits that begins with this. */
function limitOf(html: string, what: string): string {
  const [, limits] = /<h2 id="limits">([\s\S]*?)<h2/.exec(html)!;
  const rows = [...limits!.matchAll(/<dt>([\s\S]*?)<\/dd>/g)].map(([row]) => textOf(row));
  return rows.find((row) => row.startsWith(what)) ?? '';
}

describe('the reference', () => {
  it('explains every problem in a section of its own: status, meaning, what to do', async () => {
    const html = await docsOf(app);
    for (const [code, { title, status }] of Object.entries(ALL_PROBLEMS)) {
      const section = sectionOf(html, code);
      assert.ok(section.includes(title), code);
      assert.match(section, new RegExp(`Status${status}`), code);
      assert.match(section, /Meaning[A-Z].{20,}/, code);
      assert.match(section, /What to do[A-Z].{10,}/, code);
    }
    assert.match(sectionOf(html, 'Overloaded'), /Retry-After: 1/);
    assert.doesNotMatch(sectionOf(html, 'DeadlineExceeded'), /Status.*Retry-After/);
  });

  it('has a section for every operation, with an example of what it answers', async () => {
    const html = await docsOf(app);
    for (const [path, item] of Object.entries(openApi.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        const { operationId } = operation as unknown as { operationId: string };
        const section = sectionOf(html, `operation-${operationId}`);
        assert.ok(section.startsWith(`\n${method.toUpperCase()} ${path}`), path);
        assert.match(section, /Example of an answer 2\d\d.*\n\{/, path);
      }
    }
  });

  it('has contents that name every section, and resolves its own links', async () => {
    const html = await docsOf(appWith({ uploads }));
    const [nav] = /<nav[\s\S]*<\/nav>/.exec(html)!;
    const ids = [...html.matchAll(/<(?:section|h2) id="([^"]+)"/g)].map(([, id]) => id!);
    assert.ok(ids.length > 40);
    const listed = [...nav.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!);
    assert.deepEqual(listed.sort(), ids.sort());
    const all = [...html.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id!);
    assert.equal(new Set(all).size, all.length);
    for (const [, id] of html.matchAll(/href="#([^"]+)"/g)) assert.ok(all.includes(id!), id);
    assert.doesNotMatch(html, /\[object|undefined/);
  });

  it('shows the operations that a deployment has, and only those', async () => {
    assert.doesNotMatch(await docsOf(app), /\/uploads/);
    const html = await docsOf(appWith({ uploads }));
    assert.ok(html.includes('<code>GET /captions/{id}</code>'));
    const names = linesOf(html).map(({ name }) => name);
    assert.ok(names.includes('POST /uploads, application/json') && names.includes('GET /captions/{id}'));
  });

  it('says the limits in force', async () => {
    const html = await docsOf(app);
    assert.equal(limitOf(html, 'Body of a request'), bytesRow('Body of a request', MAX_BODY_BYTES, '1 MiB'));
    assert.match(limitOf(html, 'Pixels'), new RegExp(MAX_WHOLE_PIXELS.toLocaleString('en')));
    assert.match(
      limitOf(html, 'Images in a form'),
      new RegExp(`${MAX_PARTS}\\. Otherwise: InvalidRequest \\(422\\)`),
    );
    assert.match(limitOf(html, 'Time to decode'), new RegExp(`${MAX_DECODE_SECONDS} s`));
    for (const absent of ['Time from', 'Time for', 'Upload', 'Image in S3', 'Headers of a request']) {
      assert.equal(limitOf(html, absent), '', absent);
    }
    const other = await docsOf(
      appWith({
        uploads,
        maxBodyBytes: 3_000_000,
        deadlineOf: () => Date.now() + 12_500,
        readS3: () => assert.fail(),
        limits: { headerBytes: 16_384, requestTimeout: 1_500, objectBytes: 5 << 20, uploadBytes: 64 << 20 },
      }),
    );
    assert.match(limitOf(other, 'Body of a request'), /3,000,000 bytes \(2\.9 MiB\)/);
    assert.match(limitOf(other, 'Time from'), /12\.5 s\. Otherwise: DeadlineExceeded \(504\)/);
    assert.match(limitOf(other, 'Time for'), /1\.5 s\. Otherwise: RequestTimeout \(408\)/);
    assert.match(limitOf(other, 'Headers of a request'), /16,384 bytes \(16 KiB\)/);
    assert.match(limitOf(other, 'Image in S3'), /5 MiB/);
    assert.match(limitOf(other, 'Upload'), /64 MiB/);
  });

  it('has the address that it was asked for at, also behind what ends TLS, and no client’s invention', async () => {
    const originIn = (html: string) => /curl '(.*)\/captions'/.exec(textOf(html))![1];
    assert.equal(originIn(await docsOf(app)), 'http://127.0.0.1:8080');
    assert.equal(
      originIn(await docsOf(app, {}, 'https://captions.example/docs')),
      'https://captions.example',
    );
    const behind = { headers: { 'x-forwarded-proto': 'https' } };
    assert.equal(
      originIn(await docsOf(app, behind, 'http://captions.example/docs')),
      'https://captions.example',
    );
    assert.equal(originIn(await docsOf(app, {}, "http://a'$(id)/docs")), 'http://localhost');
    assert.doesNotMatch(await docsOf(app), /origin\.invalid/);
  });
});

function bytesRow(what: string, bytes: number, short: string): string {
  return `${what}${bytes.toLocaleString('en')} bytes (${short}). Otherwise: ImageTooLarge (413)`;
}
