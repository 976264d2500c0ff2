import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import type { Place } from '../../../src/aws/places.ts';
import { placeOf } from '../../../src/cli/bucket/place.ts';
import { InvalidRequest } from '../../../src/errors.ts';

/** As both commands read it. */
function read(...args: string[]): Place {
  const command = new Command()
    .requiredOption('--bucket <name>')
    .option('--prefix <text>', '', 'captions/')
    .parse(args, { from: 'user' });
  return placeOf(command.opts<Place>(), command);
}

describe('--bucket', () => {
  const wellFormed: [args: string[], place: Place][] = [
    [['photos'], { bucket: 'photos', prefix: 'captions/' }],
    [['photos', '--prefix', 'a/'], { bucket: 'photos', prefix: 'a/' }],
    [['photos', '--prefix', ''], { bucket: 'photos', prefix: '' }],
    [['s3://photos'], { bucket: 'photos', prefix: 'captions/' }],
    [['s3://photos/'], { bucket: 'photos', prefix: 'captions/' }],
    [['s3://photos/', '--prefix', 'a/'], { bucket: 'photos', prefix: 'a/' }],
    [['s3://photos/2026/'], { bucket: 'photos', prefix: '2026/' }],
    [['s3://photos/2026/ä b+c'], { bucket: 'photos', prefix: '2026/ä b+c' }],
    [['s3://photos//a'], { bucket: 'photos', prefix: '/a' }],
    [['S3://photos/a'], { bucket: 'photos', prefix: 'a' }],
    [['s3://photos/*'], { bucket: 'photos', prefix: '*' }],
    [['arn:aws:s3:::photos'], { bucket: 'photos', prefix: 'captions/' }],
    [['arn:aws:s3:::photos/*'], { bucket: 'photos', prefix: 'captions/' }],
    [['arn:aws-cn:s3:::photos/2026/*'], { bucket: 'photos', prefix: '2026/' }],
  ];
  for (const [args, place] of wellFormed) {
    it(`${args.join(' ')} is read`, () => assert.deepEqual(read('--bucket', ...args), place));
  }

  const refused: [args: string[], says: RegExp][] = [
    [['s3://photos/a', '--prefix', 'b'], /write --bucket photos beside --prefix$/],
    [['s3://'], /3 to 63 lower-case letters/],
    [['s3://Photos/a'], /3 to 63 lower-case letters/],
    [['arn:aws:s3:eu-west-1:123456789012:accesspoint/photos'], /an access point too, is not read/],
    [['arn:aws:iam::123456789012:role/photos'], /is not read: name its bucket/],
    [['https://s3.console.aws.amazon.com/s3/buckets/photos?prefix=a/'], /not an address .* of the console/],
    [['https://photos.s3.eu-west-1.amazonaws.com/a.jpg'], /not an address/],
    [['photos/2026'], /alone, without \/ and a prefix/],
    [['photos/'], /alone, without \//],
    [['Photos'], /3 to 63 lower-case letters/],
    [['my_photos'], /3 to 63 lower-case letters/],
    [[''], /3 to 63 lower-case letters/],
  ];
  for (const [args, says] of refused) {
    it(`${args.join(' ') || 'nothing'} is refused, with what to write`, () => {
      assert.throws(
        () => read('--bucket', ...args),
        (error) =>
          error instanceof InvalidRequest &&
          says.test(error.message) &&
          error.message.startsWith(`--bucket ${args[0]}`) &&
          !error.message.includes('\n'),
      );
    });
  }
});
