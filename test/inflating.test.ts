/** Whatever decompresses foreign bytes says how many may come out. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Every file with something that decompresses, and what bounds it; the tests named hold that. */
const BOUNDED: Record<string, string> = {
  'src/alt/words/png-text.ts': 'maxOutputLength; test/alt/words/somebodys-words.test.ts',
  'src/cli/evaluate/image-set.ts':
    'the size that the archive says, to which yauzl holds the bytes; test/cli/evaluate/image-set.test.ts',
  'src/import/source/archive.ts': 'the budget of ARCHIVE_LIMITS; test/import/source/archive.test.ts',
  'src/import/source/file-kind.ts': 'the first 16 kB, of which zlib makes 16.5 MB at most',
  'src/import/source/unpack-tar.ts': 'the budget of ARCHIVE_LIMITS; test/import/source/archive.test.ts',
  'src/import/source/unpack-zip.ts': 'the budget of ARCHIVE_LIMITS; test/import/source/archive.test.ts',
  'src/model/bundle.ts': 'maxOutputLength; test/model/bundle.test.ts',
};
const DECOMPRESSES =
  /\b(?:inflate|inflateRaw|gunzip|unzip|brotliDecompress|zstdDecompress)(?:Sync)?\(|\bcreate(?:Inflate|InflateRaw|Gunzip|Unzip|BrotliDecompress|ZstdDecompress)\(|\bDecompressionStream\(|'yauzl'/;
/** These give all at once, so that nobody can count what comes. */
const AT_ONCE = /\b(?:inflate|inflateRaw|gunzip|unzip|brotliDecompress|zstdDecompress)(?:Sync)?\(([^\n]*)/g;

const sources = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => ({
  file,
  text: readFileSync(`${ROOT}/${file}`, 'utf8'),
}));

test('what decompresses is listed with what bounds it', () => {
  const found = sources.filter(({ text }) => DECOMPRESSES.test(text)).map(({ file }) => file);
  assert.deepEqual(found.sort(), Object.keys(BOUNDED));
});

test('what decompresses at once has a limit', () => {
  const calls = sources.flatMap(({ file, text }) =>
    [...text.matchAll(AT_ONCE)].map(([call, rest]) => ({ file, call, rest })),
  );
  assert.ok(calls.length > 0);
  for (const { file, call, rest } of calls) assert.match(rest!, /maxOutputLength/, `${file}: ${call}`);
});
