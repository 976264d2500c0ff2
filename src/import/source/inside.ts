import { SourceError } from '../../errors.ts';

/**
 * The same error where its paths mean nothing to who reads it: `weights.zip: model/im2txt.pb` says where to look, the place where
 * it was unpacked does not.
 * @param directory as the error's paths begin @param name what to call it
 */
export function inside(error: SourceError, directory: string, name: string): SourceError {
  const translate = (text: string): string =>
    text.replaceAll(`${directory}/`, `${name}: `).replaceAll(directory, name);
  const { file, expected, actual, ...rest } = error.problem;
  const problem = {
    file: translate(file),
    expected: translate(expected),
    actual: translate(actual),
    ...rest,
  };
  return new SourceError(error.code, problem, { cause: error });
}
