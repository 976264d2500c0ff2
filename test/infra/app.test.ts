/** `infra/app.ts` as the CDK's command line runs it; what it synthesises takes too long here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SMALLEST_GPU } from '../../infra/gpu-settings.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { ROOT } from '../support/samples.ts';

const vpc = { id: 'vpc-1', availabilityZones: ['eu-west-1a'], privateSubnetIds: ['subnet-1'] };
const { path, dispose } = temporaryDirectory();
after(dispose);

function synth(out: string, given: Record<string, string>) {
  const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
  const env = {
    ...process.env,
    CDK_OUTDIR: join(path, out),
    CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...given }),
  };
  return spawnSync(process.execPath, ['infra/app.ts'], { cwd: ROOT, env, encoding: 'utf8' });
}

function overrides(name: string, settings: object): string {
  const file = join(path, name);
  writeFileSync(file, JSON.stringify(settings));
  return file;
}

const REFUSED: [what: string, given: () => Record<string, string>, says: RegExp][] = [
  ['an environment that is none', () => ({ env: 'staging' }), /dev.*prod/],
  [
    'a setting that is wrong, by its name and environment',
    () => ({ settings: overrides('wrong.json', { logRetentionDays: 8 }) }),
    /settings of dev:[\s\S]*logRetentionDays/,
  ],
  [
    'an INT8 model for GPU machines',
    () => ({ settings: overrides('int8.json', { vpc, gpu: SMALLEST_GPU }) }),
    /models\/everyday: its precision is int8, and GPU machines take fp32 or fp16; set modelDirectory to/,
  ],
  [
    'a model of their own for GPU machines, as settings up to 1.0.0 named one',
    () => ({
      settings: overrides('two.json', { vpc, gpu: { ...SMALLEST_GPU, modelDirectory: 'models/im2txt' } }),
    }),
    /share modelDirectory of the settings: take it out here\s+→ at gpu\.modelDirectory/,
  ],
];

for (const name of ['asset.0123', '.cache']) {
  mkdirSync(join(path, 'refused', name), { recursive: true });
  writeFileSync(join(path, 'refused', name, '0123.zip'), 'half');
}
writeFileSync(join(path, 'refused', 'tree.json'), '{}');

for (const [what, given, says] of REFUSED) {
  test(`${what}: refused before anything is made`, () => {
    const { status, stderr } = synth('refused', given());
    assert.notEqual(status, 0);
    assert.match(stderr, says);
    assert.equal(existsSync(join(path, 'refused', 'manifest.json')), false);
  });
}

test('copies of the code that an interrupted synthesis left are not taken for whole', () => {
  assert.deepEqual(readdirSync(join(path, 'refused')), ['tree.json']);
});
