import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** What a function writes, of which neither a terminal nor a reader of lines may make anything else. */
const PROGRAM = `
  const { createLogger } = await import(${JSON.stringify(new URL('../../src/lambda/log.ts', import.meta.url))});
  createLogger({ serviceName: 'captions' }).error('not captioned', {
    key: 'a\\u009b31m\\u202egpj.exe\\u2028\\u007f',
    lines: 'one\\ntwo',
    images: 3,
  });
`;

test('log lines of functions have nothing in them that a terminal acts upon', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    encoding: 'utf8',
  });
  const text = `${stdout}${stderr}`;
  assert.match(text, /^\{[^\p{Cc}\u2028-\u202e\u2066-\u2069]*\}\n$/u);
  const { level, message, key, lines, images } = JSON.parse(text);
  assert.deepEqual([level, message, lines, images], ['ERROR', 'not captioned', 'one\ntwo', 3]);
  assert.equal(key, String.raw`a\u009b31m\u202egpj.exe\u2028\u007f`);
});
