/** The tables of docs/costs.md are what their commands print, and their arithmetic holds. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type CostAssumptions, costRows, totalOf } from '../../bench/costs/million.ts';
import { breakEvens, waysOf } from '../../bench/costs/month.ts';
import { standingCosts, type Template, unpricedTypes } from '../../bench/costs/template.ts';
import { costOf } from '../../src/bucket-run/cost.ts';
import { PRICE_TABLE, STANDING_PRICES } from '../../src/bucket-run/prices.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { ROOT } from '../support/samples.ts';
import { blocksOf, readDocument } from './documents.ts';
import { synthesiseWay } from './synthesis.ts';

const run = promisify(execFile);
const { path, dispose } = temporaryDirectory();
after(dispose);

/** The templates where `npm run template` writes them, in a directory of the test's own. */
async function writeTemplates(): Promise<void> {
  for (const environment of ['dev', 'prod']) {
    const file = join(path, `build/cloudformation/show-and-tell-${environment}.template.json`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify((await synthesiseWay(environment)).template.toJSON()));
  }
}

for (const block of blocksOf(readDocument('docs/costs.md'), 'console')) {
  const [command = '', ...printed] = block.split('\n');
  test(`${command} prints what the document shows`, async () => {
    const [npx, node, script, ...args] = command.replace('$ ', '').split(' ');
    assert.deepEqual([npx, node], ['npx', 'node']);
    if (args.includes('--template')) await writeTemplates();
    const { stdout } = await run(process.execPath, [join(ROOT, script!), ...args], { cwd: path });
    assert.equal(stdout, printed.join('\n'));
  });
}

const usual: CostAssumptions = {
  milliseconds: 15.5,
  decode: 5.4,
  memory: 1769,
  architecture: 'x86_64',
  gpuRate: null,
};
const totals = (assumptions: CostAssumptions) => costRows(assumptions).map(totalOf);

test('a slower model costs more in every way, Graviton less where functions compute', () => {
  const slower = totals({ ...usual, milliseconds: 48, decode: 8 });
  for (const [i, total] of totals(usual).entries()) assert.ok(slower[i]! > total);
  const graviton = totals({ ...usual, architecture: 'arm64' });
  for (const [i, total] of totals(usual).slice(0, -1).entries()) assert.ok(graviton[i]! < total);
});

test('a run over a bucket costs what the summary of a run would say, and its logs', () => {
  const row = costRows(usual).find(({ way }) => way.startsWith('whole bucket'))!;
  const summary = costOf({
    processed: 1e6,
    skipped: 0,
    batches: 1e4,
    milliseconds: 1e6 * (15.5 + 130),
    memory: 1769,
    architecture: 'x86_64',
  });
  assert.ok(Math.abs(totalOf(row) - row.logs - summary.total) < 1e-9);
});

describe('the load from which a way is the cheapest', () => {
  const found = breakEvens(waysOf(usual));
  const fromOf = (source: string, name: string) =>
    found.find(({ way }) => way.source === source && way.name === name)!.from;

  test('is for a warm environment what keeps it busy enough, worked out by hand', () => {
    const { provisionedGbSecond, provisionedRunGbSecond, lambdaGbSecond } = PRICE_TABLE.prices;
    const busy = provisionedGbSecond.x86_64 / (lambdaGbSecond.x86_64 - provisionedRunGbSecond.x86_64);
    const rate = (busy * 1000) / (15.5 + 5);
    assert.ok(Math.abs(fromOf('HTTP', 'function, kept warm') / rate - 1) < 0.005);
  });

  test('is for GPU machines where what they save of an image has paid what stands', () => {
    const { prices } = STANDING_PRICES;
    const stands = 730 * (PRICE_TABLE.prices.gpuHour + prices.balancerHour) + 100 * prices.diskGbMonth;
    const upload = costRows(usual).find(({ way }) => way.startsWith('S3 upload'))!;
    const gpu = costRows(usual).find(({ way }) => way.startsWith('GPU'))!;
    const saved = (totalOf(upload) - (totalOf(gpu) - gpu.compute)) / 1e6;
    const rate = stands / saved / (3600 * 730);
    assert.ok(Math.abs(fromOf('S3', 'GPU machines') / rate - 1) < 0.005);
  });
});

describe('what stands in a template', () => {
  const resources: Template['Resources'] = {
    Alarm: { Type: 'AWS::CloudWatch::Alarm' },
    Other: { Type: 'AWS::CloudWatch::Alarm' },
    Function: { Type: 'AWS::Lambda::Function', Properties: { MemorySize: 1024, Architectures: ['arm64'] } },
    Live: {
      Type: 'AWS::Lambda::Version',
      Properties: {
        FunctionName: { Ref: 'Function' },
        ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 3 },
      },
    },
    Acl: { Type: 'AWS::WAFv2::WebACL', Properties: { Rules: [{}, {}] } },
    Endpoint: { Type: 'AWS::EC2::VPCEndpoint', Properties: { SubnetIds: ['a', 'b'] } },
    Gateway: { Type: 'AWS::EC2::VPCEndpoint', Properties: { RouteTableIds: ['a'] } },
  };

  test('is counted and priced, each kind together', () => {
    const costs = standingCosts({ Resources: resources }).map(({ what, count, month }) => [
      what,
      count,
      Number(month.toFixed(4)),
    ]);
    assert.deepEqual(costs, [
      ['environments of 1024 MB kept warm', 3, Number((3 * 3600 * 730 * 0.0000033334).toFixed(4))],
      ['interface endpoints, each zone', 2, 14.6],
      ['web ACLs', 1, 5],
      ['rules of web ACLs', 2, 2],
      ['alarms', 2, 0.2],
    ]);
  });

  test('has a price, or is known to be free while idle, for every type of every way to deploy', async () => {
    for (const way of ['prod', 'gpu', 'VPC, JWT, mail and budget', 'page with people of its own']) {
      const template = (await synthesiseWay(way)).template.toJSON() as Template;
      assert.deepEqual(unpricedTypes(template), [], way);
    }
  });
});
