import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openSourceFile, type SourceFile } from '../../../src/import/bytes/source-file.ts';
import { temporaryDirectory } from '../source/source-failures.ts';

/** A file of these bytes, open as long as the test runs. */
export async function writtenFile(t: TestContext, bytes: Uint8Array): Promise<SourceFile> {
  const path = join(await temporaryDirectory(t), 'model');
  await writeFile(path, bytes);
  const file = await openSourceFile(path);
  t.after(() => file.close());
  return file;
}
