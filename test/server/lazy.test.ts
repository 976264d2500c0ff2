import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { temporaryDirectory } from '../support/bundles.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

/** Starts and stops a server in a process of its own, and counts the modules of AWS's client that it loaded. */
function program(settings: object): string {
  return `
    import { registerHooks } from 'node:module';
    let loaded = 0;
    registerHooks({
      load: (url, context, next) => {
        if (/[\\\\/]@(aws-sdk|smithy)[\\\\/]/.test(url)) loaded++;
        return next(url, context);
      },
    });
    const { startServer } = await import(${JSON.stringify(new URL('../../src/server/server.ts', import.meta.url).href)});
    const { serverSettingsSchema } = await import(${JSON.stringify(new URL('../../src/server/settings.ts', import.meta.url).href)});
    const settings = serverSettingsSchema.parse(${JSON.stringify({ port: 0, workers: 1, ...settings })});
    const server = await startServer({ model: ${JSON.stringify(DEFAULT_BUNDLE)}, settings });
    await server.stop();
    process.stdout.write(String(loaded));
  `;
}

for (const { what, settings, uses } of [
  { what: 'without S3', settings: {}, uses: false },
  { what: 'that takes uploads', settings: { uploadsBucket: 'images', resultsBucket: 'results' }, uses: true },
  { what: 'that reads a bucket', settings: { allowedBuckets: ['images'] }, uses: true },
]) {
  test(`a server ${what} loads ${uses ? 'the' : 'no'} client of AWS`, async () => {
    // A file: flags that make a program of text would reach the worker threads as well.
    const file = join(temporary.path, 'program.mjs');
    writeFileSync(file, program(settings));
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    assert.equal(Number(stdout) > 0, uses, stdout);
  });
}
