/** What `npm run template` writes: the templates under cfn-lint, the code unpacked and run as Lambda does it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { publish } from '../../../infra/published/publish.ts';
import { ENVIRONMENTS } from '../../../infra/settings.ts';
import { type Resources, resolve } from '../../support/aws/template.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { startFunction } from '../../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../../support/samples.ts';
import { unzip } from '../published/unzip.ts';
import { httpEvent } from './http-event.ts';

const { path, make, dispose } = temporaryDirectory();
after(dispose);
const out = join(path, 'published');
await publish({ environments: ENVIRONMENTS, overrides: undefined, out });
const templates = ENVIRONMENTS.map((name) => join(out, `show-and-tell-${name}.template.json`));
const { Resources: resources } = JSON.parse(readFileSync(templates[0]!, 'utf8')) as { Resources: Resources };

test('cfn-lint finds nothing in the templates', (t) => {
  if (spawnSync('cfn-lint', ['--version']).status !== 0) return t.skip('cfn-lint is not installed');
  const { stdout, status } = spawnSync('cfn-lint', ['--ignore-checks', 'W3005', '--', ...templates], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
});

test('the sums are those of all files', () => {
  const { status, stdout } = spawnSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: out, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  assert.equal(stdout.trim().split('\n').length, 4);
});

test('the code in the zip captions a photograph', async (t) => {
  const directory = make('unpacked');
  for (const [name, { bytes, mode }] of await unzip(readFileSync(join(out, 'functions-x86_64.zip')))) {
    assert.equal(mode, '100644', name);
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes);
  }
  const http = Object.values(resources).find(
    ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && Properties.Handler === 'http.handler',
  )!;
  const { Environment, Handler } = resolve(http.Properties, resources) as {
    Environment: { Variables: Record<string, string> };
    Handler: string;
  };
  const running = await startFunction({ directory, handler: Handler, environment: Environment.Variables });
  t.after(() => running.close());
  const ended = await running.invoke(httpEvent('POST', '/captions', 'image/jpeg', readFileSync(COFFEE)));
  assert.ok('payload' in ended, JSON.stringify(ended));
  const { statusCode, body } = ended.payload as { statusCode: number; body: string };
  assert.equal(statusCode, 200, body);
  assert.match(JSON.parse(body).captions[0].text, /coffee|cup/);
});
