/** The zip for x86_64 with a captioner of each kind: unpacked and run under Lambda's Runtime API. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { assembleFunctions } from '../../../infra/functions/function-code.ts';
import { readSettings } from '../../../infra/read-settings.ts';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { checksumLine } from '../../../src/model/bundle.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { sha256Of } from '../../../src/model/sha256.ts';
import { importKind, KINDS } from '../../captioners/imported.ts';
import { startFunction } from '../../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../../support/samples.ts';
import { httpEvent } from './http-event.ts';

const work = mkdtempSync(join(tmpdir(), 'captioner-functions-'));
after(() => rmSync(work, { recursive: true }));
const image = readFileSync(COFFEE);
/** Of the tokenizer's library. */
const MARK = 'BertNormalizer';

async function captionsOf(directory: string): Promise<CaptionResult['captions']> {
  const { caption, close } = await loadCaptioner(directory, { threads: 1 });
  const { captions } = await caption(image);
  await close();
  return captions;
}

/** What the HTTP function of an assembly says of the photograph. */
async function saidBy(code: string): Promise<{ status: number; body: Partial<CaptionResult> }> {
  const running = await startFunction({
    directory: code,
    handler: 'http.handler',
    environment: { MODEL_DIR: 'model' },
  });
  try {
    const answer = await running.invoke(httpEvent('POST', '/captions', 'image/jpeg', image));
    assert.ok('payload' in answer, JSON.stringify([answer, running.logs().slice(-5)]));
    const { statusCode, body } = answer.payload as { statusCode: number; body: string };
    return { status: statusCode, body: JSON.parse(body) };
  } finally {
    await running.close();
  }
}

for (const kind of KINDS) {
  test(`${kind}: the function says what the library says`, async () => {
    const modelDirectory = await importKind(kind, work);
    const code = join(work, `${kind}-code`);
    await assembleFunctions({ architecture: 'x86_64', modelDirectory }, code);
    const { status, body } = await saidBy(code);
    rmSync(code, { recursive: true });
    assert.equal(status, 200);
    assert.deepEqual(body.captions, await captionsOf(modelDirectory));
  });
}

test('a captioner that no zip holds is refused with what to do, and goes into a container by itself', async () => {
  const modelDirectory = await importKind('vit-gpt2', mkdtempSync(join(work, 'large-')));
  const manifestFile = join(modelDirectory, 'manifest.json');
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as {
    files: { decoder: { path: string; bytes: number; sha256: string } };
  };
  const decoder = join(modelDirectory, manifest.files.decoder.path);
  truncateSync(decoder, 260e6);
  manifest.files.decoder.bytes = 260e6;
  manifest.files.decoder.sha256 = await sha256Of(decoder);
  const text = JSON.stringify(manifest);
  writeFileSync(manifestFile, text);
  writeFileSync(`${manifestFile}.sha256`, checksumLine(createHash('sha256').update(text).digest('hex')));
  await assert.rejects(
    assembleFunctions({ architecture: 'x86_64', modelDirectory }, join(work, 'large-code')),
    /the functions have \d+ bytes with it, Lambda takes 262144000; set packaging to 'container'$/,
  );
  const settings = join(work, 'settings.json');
  writeFileSync(settings, JSON.stringify({ modelDirectory }));
  assert.equal(readSettings('prod', settings).packaging, 'container');
});

test('the default model does without the tokenizer, which is a part of its own', async () => {
  const code = join(work, 'default-code');
  await assembleFunctions({ architecture: 'x86_64', modelDirectory: DEFAULT_BUNDLE }, code);
  const parts = globSync('http*.mjs', { cwd: code }).filter((name) =>
    readFileSync(join(code, name), 'utf8').includes(MARK),
  );
  assert.equal(parts.length, 1, parts.join());
  assert.notEqual(parts[0], 'http.mjs');
  rmSync(join(code, parts[0]!));
  const { status, body } = await saidBy(code);
  assert.equal(status, 200);
  assert.deepEqual(body.captions, await captionsOf(DEFAULT_BUNDLE));
});
