/** What docs/operations.md says of the largest images is what the budget of a function allows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { KINDS, largestOf, MEMORIES } from '../model/memory/largest-images.ts';
import { readDocument, tableRows } from './documents.ts';

const rows = tableRows(readDocument('docs/operations.md'));

for (const kind of Object.keys(KINDS)) {
  test(`${kind}: the largest that a function of each memory takes`, async () => {
    const largest = await Promise.all(MEMORIES.map((memory) => largestOf(kind, memory, DEFAULT_BUNDLE)));
    assert.deepEqual(
      rows.find(([name, ...cells]) => name === kind && cells.length === MEMORIES.length)?.slice(1),
      largest.map(String),
    );
  });
}
