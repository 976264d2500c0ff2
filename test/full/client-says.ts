/** What a client has to find out from a server, whichever language it is in: the programs of `test/fixtures/clients`. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { CAPTIONS } from '../server/harness.ts';
import { COFFEE } from '../support/samples.ts';
import { type Api, UPLOAD_ID } from './api-server.ts';

/** Path of a program. */
export function clientProgram(name: string): string {
  return fileURLToPath(new URL(`../fixtures/clients/${name}`, import.meta.url));
}

export function argumentsFor({ url }: Api): string[] {
  return [url, COFFEE, UPLOAD_ID];
}

/** @param stdout one line of JSON */
export function assertSays(stdout: string): void {
  const texts = CAPTIONS.map(({ text }) => text);
  const [best] = texts;
  const { max, ...says } = JSON.parse(stdout) as { max: string[] };
  assert.deepEqual(says, {
    raw: [best],
    form: [best, 'UnsupportedImage'],
    json: [best],
    put: 200,
    pending: 'pending',
    outcome: best,
    wrong: 'UnsupportedImage',
    hashes: true,
  });
  assert.deepEqual(max.toSorted(), texts.toSorted());
}
