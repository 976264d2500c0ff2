import type { Command } from 'commander';
import { bucketName } from '../../aws/object-reference.ts';
import type { Place } from '../../aws/places.ts';
import { InvalidRequest } from '../../errors.ts';

/** As `aws s3` writes places, and as policies do, whose `*` at the end stands for what follows the prefix. */
const FORMS = [/^s3:\/\/([^/]*)\/?(.*)$/is, /^arn:[^:]*:s3:::([^/]*)\/?(.*?)\*?$/is];

/**
 * The objects that `--bucket` and `--prefix` mean.
 * @throws InvalidRequest
 */
export function placeOf({ bucket: written, prefix }: Place, command: Command): Place {
  const form = FORMS.find((pattern) => pattern.test(written));
  const [, bucket = written, within = ''] = form?.exec(written) ?? [];
  const { error } = bucketName.safeParse(bucket);
  if (error !== undefined) throw new InvalidRequest(`--bucket ${written}: ${error.issues[0]!.message}`);
  if (within === '') return { bucket, prefix };
  if (command.getOptionValueSource('prefix') === 'cli') {
    throw new InvalidRequest(
      `--bucket ${written} has a prefix of its own; write --bucket ${bucket} beside --prefix`,
    );
  }
  return { bucket, prefix: within };
}
