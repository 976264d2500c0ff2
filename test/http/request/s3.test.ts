import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { ObjectReference } from '../../../src/aws/object-reference.ts';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { ImageNotFound, ImageTooLarge, InvalidRequest } from '../../../src/errors.ts';
import { COFFEE } from '../../support/samples.ts';
import { app, appWith, assertProblem, captioner, postJson } from '../harness.ts';

const coffee = readFileSync(COFFEE);

/** A store with one bucket that may be read; asks for others are recorded as well. */
function store() {
  const asked: ObjectReference[] = [];
  const readS3 = async (reference: ObjectReference): Promise<Uint8Array> => {
    asked.push(reference);
    if (reference.bucket !== 'photos')
      throw new InvalidRequest(`${reference.bucket} exists but is not allowed`);
    if (reference.key === 'large.tif') throw new ImageTooLarge('it has 900 MB');
    if (reference.key !== 'cups/blue.jpg') throw new ImageNotFound('there is no such object');
    return coffee;
  };
  return { app: appWith({ readS3 }), asked };
}

describe('an S3 reference', () => {
  it('is captioned as the object’s bytes are', async () => {
    const { app, asked } = store();
    const s3 = { bucket: 'photos', key: 'cups/blue.jpg', versionId: 'v1' };
    const { status, body } = await postJson<CaptionResult>(app, '/captions?count=1', { s3, beamWidth: 2 });
    assert.equal(status, 200);
    const { captions } = await captioner.caption(coffee, captioner.plan({ count: 1, beamWidth: 2 }));
    assert.deepEqual(body.captions, captions);
    assert.deepEqual(asked, [s3]);
  });

  it('to an object that is not there, or is too large, is answered as such', async () => {
    const { app } = store();
    const missing = await postJson(app, '/captions', { s3: { bucket: 'photos', key: 'no.jpg' } });
    assertProblem(missing, 'ImageNotFound');
    const large = await postJson(app, '/captions', { s3: { bucket: 'photos', key: 'large.tif' } });
    assertProblem(large, 'ImageTooLarge');
  });

  it('to a bucket that is not allowed is refused in the same words whether or not anything is there', async () => {
    const { app: some } = store();
    const answers = [
      await postJson(some, '/captions', { s3: { bucket: 'secrets', key: 'cups/blue.jpg' } }),
      await postJson(some, '/captions', { s3: { bucket: 'no-such-bucket', key: 'a' } }),
      // Where nothing is read from S3 at all, no bucket is allowed.
      await postJson(app, '/captions', { s3: { bucket: 'photos', key: 'cups/blue.jpg' } }),
    ];
    const texts = answers.map((answer) => {
      const { requestId: _, traceId: __, ...problem } = assertProblem(answer, 'BucketNotAllowed');
      return JSON.stringify(problem);
    });
    assert.equal(new Set(texts).size, 1);
  });

  it('is not followed when an option beside it is wrong', async () => {
    const { app, asked } = store();
    const s3 = { bucket: 'photos', key: 'cups/blue.jpg' };
    assertProblem(await postJson(app, '/captions', { s3, beamWidth: 1, count: 2 }), 'InvalidRequest');
    assertProblem(await postJson(app, '/captions?beamWidth=2', { s3, beamWidth: 2 }), 'InvalidRequest');
    assert.deepEqual(asked, []);
  });
});
