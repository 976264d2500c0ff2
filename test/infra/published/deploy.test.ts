/** `deploy.sh` in the shells that people have, with an `aws` that writes down what it is asked for. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { templateOf } from '../../../infra/published/publish.ts';
import { settingsOf } from '../../../infra/settings.ts';
import { sha256Of } from '../../../src/model/sha256.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { ROOT } from '../../support/samples.ts';

/** Arguments with a separator of their own, calls with a newline. */
const AWS = `#!/bin/sh
{ printf '%s\\037' "$@"; echo; } >> "$CALLS"
case "$1 $2 $FAULT" in
  'configure get '*) exit 1 ;;
  'sts get-caller-identity no credentials') echo 'Unable to locate credentials' >&2; exit 255 ;;
  'sts get-caller-identity '*) echo 111122223333 ;;
  's3api head-bucket no bucket') echo 'An error occurred (404) when calling HeadBucket: Not Found' >&2; exit 254 ;;
  's3api head-bucket bucket of another') echo 'An error occurred (403): Forbidden' >&2; exit 254 ;;
  's3api head-object code is there') ;;
  's3api head-object '*) exit 254 ;;
  'cloudformation deploy refused') echo 'Failed to create the changeset' >&2; exit 255 ;;
  'cloudformation describe-stack-events '*) printf 'HttpFunction\\tno room\\n' ;;
  'cloudformation describe-stacks '*) printf 'Url\\thttps://example.org/\\n' ;;
esac
`;
const { path, make, dispose } = temporaryDirectory();
after(dispose);
const bin = make('bin');
writeFileSync(join(bin, 'aws'), AWS);
chmodSync(join(bin, 'aws'), 0o755);

/** With a space in its name, as folders of downloads have. */
const files = make('show and tell');
cpSync(join(ROOT, 'infra/published/deploy.sh'), join(files, 'deploy.sh'));
writeFileSync(join(files, 'functions-x86_64.zip'), 'zip');
for (const environment of ['dev', 'prod'] as const) {
  const file = join(files, `show-and-tell-${environment}.template.json`);
  writeFileSync(file, templateOf(environment, settingsOf(environment), '0'.repeat(64)));
}
const NAMES = [
  'deploy.sh',
  'functions-x86_64.zip',
  'show-and-tell-dev.template.json',
  'show-and-tell-prod.template.json',
];
const sums = await Promise.all(NAMES.map(async (name) => `${await sha256Of(join(files, name))}  ${name}\n`));
writeFileSync(join(files, 'SHA256SUMS'), sums.join(''));
const KEY = `show-and-tell/${sums[1]!.split(' ')[0]}.zip`;
const BUCKET = 'show-and-tell-code-111122223333-eu-west-1';

interface Run {
  args?: string[];
  fault?: string;
  region?: string;
  directory?: string;
}

function deploy(shell: string, { args = [], fault = '', region = 'eu-west-1', directory = files }: Run = {}) {
  const log = join(path, 'calls');
  rmSync(log, { force: true });
  const { status, stdout, stderr } = spawnSync(shell, [join(directory, 'deploy.sh'), ...args], {
    cwd: path,
    encoding: 'utf8',
    env: {
      PATH: `${bin}:/usr/bin:/bin`,
      CALLS: log,
      FAULT: fault,
      ...(region !== '' && { AWS_REGION: region }),
    },
  });
  writeFileSync(log, '', { flag: 'a' });
  const calls = readFileSync(log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\x1f').slice(0, -1));
  return { status, stdout, stderr, calls };
}

const asked = (calls: string[][], ...start: string[]) =>
  calls.filter((call) => start.every((word, i) => call[i] === word));
const flag = (call: string[] | undefined, name: string) => call?.[call.indexOf(name) + 1];

const SHELLS = ['sh', 'bash', 'dash', 'zsh'].filter((shell) => spawnSync(shell, ['-c', ':']).status === 0);

for (const shell of SHELLS) {
  describe(`deploy.sh in ${shell}`, () => {
    test('makes a bucket of the own account, uploads the code under its hash and deploys', () => {
      const { status, stdout, stderr, calls } = deploy(shell, { fault: 'no bucket' });
      assert.equal(status, 0, stderr);
      assert.equal(stdout, 'Url\thttps://example.org/\n');
      assert.deepEqual(asked(calls, 'cloudformation', 'update-termination-protection'), []);
      const [made] = asked(calls, 's3api', 'create-bucket');
      assert.equal(flag(made, '--bucket'), BUCKET);
      assert.equal(flag(made, '--create-bucket-configuration'), 'LocationConstraint=eu-west-1');
      for (const call of asked(calls, 's3api').filter(([, name]) => name !== 'create-bucket')) {
        assert.equal(flag(call, '--expected-bucket-owner'), '111122223333', call[1]);
      }
      const [put] = asked(calls, 's3api', 'put-object');
      assert.deepEqual(
        ['--bucket', '--key', '--body', '--expected-bucket-owner'].map((name) => flag(put, name)),
        [BUCKET, KEY, 'functions-x86_64.zip', '111122223333'],
      );
      const [deployed] = asked(calls, 'cloudformation', 'deploy');
      assert.deepEqual(
        ['--stack-name', '--template-file', '--s3-bucket', '--capabilities'].map((name) =>
          flag(deployed, name),
        ),
        ['ShowAndTell-dev', 'show-and-tell-dev.template.json', BUCKET, 'CAPABILITY_IAM'],
      );
      assert.deepEqual(deployed!.slice(deployed!.indexOf('--parameter-overrides') + 1), [
        `CodeBucket=${BUCKET}`,
        `CodeKey=${KEY}`,
      ]);
    });

    test('uses what is there, and what it is told', () => {
      const args = ['--env', 'prod', '--bucket', 'ours', '--alarm-email', ''];
      const { status, calls } = deploy(shell, { args, fault: 'code is there' });
      assert.equal(status, 0);
      assert.deepEqual(asked(calls, 's3api', 'create-bucket'), []);
      assert.deepEqual(asked(calls, 's3api', 'put-object'), []);
      const [deployed] = asked(calls, 'cloudformation', 'deploy');
      assert.equal(flag(deployed, '--stack-name'), 'ShowAndTell-prod');
      assert.equal(flag(deployed, '--template-file'), 'show-and-tell-prod.template.json');
      assert.equal(asked(calls, 'cloudformation', 'update-termination-protection').length, 1);
      assert.deepEqual(deployed!.slice(-3), ['CodeBucket=ours', `CodeKey=${KEY}`, 'AlarmEmail=']);
    });

    test('says what refused, and ends with a failure', () => {
      const { status, stdout, stderr } = deploy(shell, { fault: 'refused' });
      assert.equal(status, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /no room[\s\S]*ShowAndTell-dev was not deployed/);
    });
  });
}

const damaged = make('damaged');
cpSync(files, damaged, { recursive: true });
writeFileSync(join(damaged, 'functions-x86_64.zip'), 'cut');

const REFUSED: [what: string, run: Run, status: number, says: RegExp][] = [
  ['no credentials', { fault: 'no credentials' }, 1, /aws configure/],
  ['no region', { region: '' }, 1, /--region eu-west-1/],
  ["a bucket of somebody else's", { fault: 'bucket of another' }, 1, /another account.*--bucket/],
  ['a damaged file', { directory: damaged }, 1, /download them again:\nfunctions-x86_64.zip: FAILED/],
  ['an environment that is none', { args: ['--env', 'staging'] }, 2, /dev prod/],
  ['an unknown option', { args: ['--profile', 'x'] }, 2, /--profile is not an option/],
  ['an option without its value', { args: ['--bucket'] }, 2, /--bucket needs a value/],
];

for (const [what, run, expected, says] of REFUSED) {
  test(`${what}: refused before anything is made`, () => {
    const { status, stderr, stdout, calls } = deploy('sh', run);
    assert.equal(status, expected);
    assert.match(stderr, says);
    assert.equal(stdout, '');
    assert.deepEqual(
      calls.filter(([, call]) => !['get-caller-identity', 'get', 'head-bucket'].includes(call!)),
      [],
    );
  });
}

test('--help has examples and asks nobody', () => {
  const { status, stdout, calls } = deploy('sh', { args: ['--help'] });
  assert.equal(status, 0);
  assert.match(stdout, /^Examples:\n\n {2}sh deploy\.sh\n/m);
  assert.deepEqual(calls, []);
});

test('us-east-1 is asked for without a place, which S3 refuses there', () => {
  const { calls } = deploy('sh', { fault: 'no bucket', args: ['--region', 'us-east-1'] });
  const [made] = asked(calls, 's3api', 'create-bucket');
  assert.equal(made!.includes('--create-bucket-configuration'), false);
});
