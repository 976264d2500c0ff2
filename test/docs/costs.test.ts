/** The tables of docs/operations.md are what their commands print. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type CostAssumptions, costRows, totalOf } from '../../bench/cost-table.ts';
import { costOf } from '../../src/bucket-run/cost.ts';
import { ROOT } from '../support/samples.ts';
import { blocksOf, readDocument } from './documents.ts';

const run = promisify(execFile);

for (const block of blocksOf(readDocument('docs/operations.md'), 'console')) {
  const [command = '', ...printed] = block.split('\n');
  test(`${command} prints what the document shows`, async () => {
    const [npx, node, ...args] = command.replace('$ ', '').split(' ');
    assert.deepEqual([npx, node], ['npx', 'node']);
    const { stdout } = await run(process.execPath, args, { cwd: ROOT });
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
