/** Commands of the documents, pasted into the shells that people have: they mean the same in both, and what is meant. */
import assert from 'node:assert/strict';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { settingsOf } from '../../../infra/settings.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { ROOT } from '../../support/samples.ts';
import { blocksOf, type Document, readDocument } from '../documents.ts';
import { grammarOf, missing, type Pasted, paste, SHELLS, type Shell } from './shell.ts';

const { make, dispose } = temporaryDirectory();
after(dispose);

const DEPLOY = 'docs/deploy.md';
const documents = ['README.md', ...globSync('docs/*.md', { cwd: ROOT }).sort()].map(readDocument);
const scripts = new Map(documents.map((document) => [document.path, scriptOf(document)]));

/** Fenced as shell; whatever is indented or stands in a table and starts as a command, but for synopses. */
function scriptOf(document: Document): string {
  const { text, blocks, spans } = document;
  const indented = blocks.filter((block) => /^(npm|npx|docker) /.test(block) && !block.includes('[options]'));
  const section = text.slice(text.indexOf('\n## Not run here'));
  const checks = spans.filter(
    (span) => /^(aws|npm|npx|curl|signed|infra\/\S+\.sh) /.test(span) && section.includes(span),
  );
  return [...blocksOf(document, 'sh'), ...indented, ...checks].join('\n');
}

const OUTPUTS = {
  Url: 'https://api.example/',
  InputBucket: 'photos',
  ResultsBucket: 'results',
  OneImageStateMachine: 'arn:aws:states:one',
  WholeBucketStateMachine: 'arn:aws:states:all',
};
const CREDENTIALS = 'export AWS_ACCESS_KEY_ID=ID\nexport AWS_SECRET_ACCESS_KEY=KEY\n';
/** What readers set themselves. */
const VARIABLES = {
  REPOSITORY: 'https://repository.example',
  STACK: 'ShowAndTell-dev',
  QUEUE_URL: 'https://sqs/images',
  IMAGES_URL: 'https://sqs/images',
  DEAD_LETTERS_URL: 'https://sqs/dead',
  FUNCTION_ARN: 'arn:aws:lambda:mine',
  TABLES: 'tables',
};

let pasted = 0;

/** @param token of temporary credentials */
function pasteInto(shell: Shell, script: string, token?: string): Pasted {
  const directory = make(`${pasted++}`);
  mkdirSync(join(directory, 'samples'));
  writeFileSync(join(directory, 'samples/coffee.jpg'), '');
  writeFileSync(join(directory, 'large.jpg'), 'ten bytes.');
  writeFileSync(join(directory, 'cdk-outputs.json'), JSON.stringify({ 'ShowAndTell-dev': OUTPUTS }));
  return paste(shell, script, {
    directory,
    programs: [
      ...['aws', 'npm', 'npx', 'curl', 'docker', 'tar', 'pip', 'optimum-cli', 'hf'],
      ...new Set(script.match(/\b(infra|cloudformation)\/[\w/-]+\.sh\b/g)),
    ],
    answers: [
      ['aws sts get-caller-identity --query Account', '111122223333\n'],
      [
        'aws configure export-credentials',
        CREDENTIALS + (token === undefined ? '' : `export AWS_SESSION_TOKEN=${token}\n`),
      ],
      ['aws cloudformation list-stack-resources', 'photos\tresults\nlogs\n'],
      ['aws events put-rule', 'arn:aws:events:rule\n'],
      ['aws lambda list-event-source-mappings', '0123-mapping\n'],
      ['aws sqs get-queue-attributes', 'arn:aws:sqs:queue\n'],
      ['curl', '{"captions":[{"text":"a dog"}],"url":"https://upload.example/x?a=1&b=2","id":"0a"}'],
    ],
    variables: VARIABLES,
  });
}

for (const shell of SHELLS) {
  describe(`in ${shell}`, { skip: missing(shell) }, () => {
    for (const [path, script] of scripts) {
      if (script === '') continue;
      test(`${path}: commands are whole, and all of them are there`, () => {
        assert.equal(grammarOf(shell, script), '');
        // Those of the first page define what others use.
        const { calls, complaints } = pasteInto(
          shell,
          path === DEPLOY ? script : `${scripts.get(DEPLOY)}\n${script}`,
        );
        assert.deepEqual(complaints, []);
        assert.ok(calls.length > 0);
        for (const words of calls) {
          assert.ok(!words.includes(''), `an empty word: ${words.join(' ')}`);
          assert.ok(!words.includes('#'), `a comment is no comment at a prompt of zsh: ${words.join(' ')}`);
        }
      });
    }

    for (const [kind, token] of [
      ['lasting', undefined],
      ['temporary', 'to/ken+=='],
    ] as const) {
      test(`requests are signed with ${kind} credentials, for the region and the service`, () => {
        const { calls } = pasteInto(shell, scripts.get(DEPLOY)!, token);
        const signed = calls.filter((words) => words.includes('--aws-sigv4'));
        assert.ok(signed.length >= 5);
        for (const words of signed) {
          assert.deepEqual(valuesOf(words, '--aws-sigv4'), ['aws:amz:eu-west-1:execute-api']);
          assert.deepEqual(valuesOf(words, '--user'), ['ID:KEY']);
          const tokens = valuesOf(words, '--header').filter((header) => header.includes('security-token'));
          assert.deepEqual(tokens, token === undefined ? [] : [`x-amz-security-token: ${token}`]);
        }
        const routes = ['captions', 'health', 'captions', 'uploads', 'captions/0a'];
        assert.deepEqual(
          signed.map((words) => words.at(-1)),
          routes.map((route) => OUTPUTS.Url + route),
        );
        assert.deepEqual(
          signed.flatMap((words) => valuesOf(words, '--json')).map((json) => JSON.parse(json)),
          [{ s3: { bucket: 'photos', key: 'photo.jpg' } }, { contentType: 'image/jpeg', bytes: 10 }],
        );
      });
    }

    test('an upload goes to its address, with what was signed', () => {
      const { calls } = pasteInto(shell, scripts.get(DEPLOY)!);
      const [upload] = calls.filter((words) => words.includes('--upload-file'));
      const headers = ['--header', 'content-type: image/jpeg', '--header', 'if-none-match: *'];
      assert.deepEqual(upload!.slice(2), [
        '--upload-file',
        'large.jpg',
        ...headers,
        'https://upload.example/x?a=1&b=2',
      ]);
    });

    test('account, settings and buckets are those that are meant', () => {
      const { calls, read } = pasteInto(shell, scripts.get(DEPLOY)!);
      const lines = calls.map((words) => words.join(' '));
      assert.ok(lines.includes('npx cdk bootstrap aws://111122223333/eu-west-1'));
      assert.ok(settingsOf('dev', JSON.parse(read('overrides.json'))).monthlyBudget);
      const emptied = lines.filter((line) => line.startsWith('aws s3 rm'));
      assert.deepEqual(
        emptied,
        ['photos', 'results', 'logs'].map((name) => `aws s3 rm s3://${name} --recursive`),
      );
    });
  });
}

/** Of a flag that may be given more than once. */
function valuesOf(words: string[], flag: string): string[] {
  return words.filter((_, i) => words[i - 1] === flag);
}

test('both shells are asked the same', { skip: SHELLS.map(missing).find(Boolean) ?? false }, () => {
  const script = [...scripts.values()].join('\n');
  const [bash, zsh] = SHELLS.map((shell) => pasteInto(shell, script, 'token').calls);
  // Line by line: all of them would be a long message.
  const lines = (calls: string[][] = []) => calls.map((words) => JSON.stringify(words));
  assert.equal(lines(zsh).join('\n'), lines(bash).join('\n'));
});
