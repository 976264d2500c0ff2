/** Every template under the rules of CloudFormation, as the CDK has them built in and as cfn-lint knows them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { synthesise } from '../synthesis.ts';
import { WAYS } from '../ways.ts';

const skip = spawnSync('cfn-lint', ['--version']).status !== 0 && 'cfn-lint is not installed';
const templates: string[] = [];

for (const [way, options] of Object.entries(WAYS)) {
  test(`CloudFormation's own rules find nothing: ${way}`, () => {
    const { complaints, assembly } = synthesise({ ...options, validate: true });
    templates.push(...globSync(join(assembly, '*.template.json')));
    assert.deepEqual(complaints, []);
  });
}

test('cfn-lint finds nothing', { skip }, () => {
  // W3005: the CDK writes dependencies down that CloudFormation would find by itself.
  const { stdout, status } = spawnSync('cfn-lint', ['--ignore-checks', 'W3005', '--', ...templates], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
});
