import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Problem } from '../../../src/http/failures.ts';
import { mutate } from '../../support/mutate.ts';
import { xorshift } from '../../support/random.ts';
import { ROOT } from '../../support/samples.ts';
import { app, ask, post } from '../harness.ts';

/** A small photograph: most of a body is then not image. */
const small = readFileSync(join(ROOT, 'test/fixtures/golden/images/chelsea-small-64x48.jpg'));
const ROUNDS = 200;

const FORM = Buffer.concat([
  Buffer.from('--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'),
  Buffer.from('Content-Type: image/jpeg\r\n\r\n'),
  small,
  Buffer.from('\r\n--edge\r\nContent-Disposition: form-data; name="image"; filename="b.jpg"\r\n\r\n'),
  small,
  Buffer.from('\r\n--edge--\r\n'),
]);
const JSON_BODY = Buffer.from(
  JSON.stringify({ beamWidth: 1, maxLength: 4, bannedWords: ['dog'], image: small.toString('base64') }),
);

const BODIES = [
  ['forms', FORM, 'multipart/form-data; boundary=edge', '/captions?beamWidth=1&maxLength=4'],
  ['JSON', JSON_BODY, 'application/json', '/captions'],
  ['forms for MAX', FORM, 'multipart/form-data; boundary=edge', '/model/predict'],
] as const;

describe('damaged requests', () => {
  for (const [what, body, type, path] of BODIES) {
    it(`${what}: are captioned or refused, and never fail the service`, async () => {
      const random = xorshift(7);
      const seen = new Map<number, number>();
      for (let round = 0; round < ROUNDS; round++) {
        const { status, body: answer } = await post(app, path, mutate(body, random), type);
        assert.ok(status < 500, `round ${round}: ${JSON.stringify(answer)}`);
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }
      assert.ok(seen.has(200) && seen.size > 1, `only ${[...seen.keys()]}`);
    });
  }

  it('content types: are read or refused', async () => {
    const random = xorshift(11);
    const types = ['multipart/form-data; boundary=edge', 'application/json; charset=utf-8', 'image/jpeg'];
    for (let round = 0; round < ROUNDS; round++) {
      // Bytes that HTTP lets into a header.
      const text = mutate(Buffer.from(types[round % 3]!), random).toString('latin1');
      const type = text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').trim();
      const { status, body } = await post<Problem>(app, '/captions', FORM, type);
      assert.ok(status < 500, `${type}: ${body.code}`);
    }
  });

  it('queries: are understood or refused', async () => {
    const random = xorshift(13);
    const query = Buffer.from('beamWidth=1&maxLength=4&bannedWords=a,b&trace=0&lengthNormalization=0.5');
    const seen = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      const path = `/captions?${mutate(query, random).toString('latin1')}`;
      const { status } = await ask(app, path, {
        method: 'POST',
        body: small,
        headers: { 'content-type': 'image/jpeg' },
      });
      seen.add(status);
    }
    assert.deepEqual([...seen].sort(), [200, 422]);
  });
});
