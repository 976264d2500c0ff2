import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TraceNode } from '../../src/caption/result.ts';
import { traceTree } from '../../src/pictures/trace-tree.ts';
import {
  hasBadge,
  inPaintOrder,
  layOut,
  treeNodes,
  withoutDropped,
  wordLabel,
} from '../../src/pictures/tree-layout.ts';

type Word = Pick<TraceNode, 'word' | 'parent'> & Partial<TraceNode>;

/** Fields that do not matter filled in; a step after the word before. */
function traceOf(words: readonly Word[]): TraceNode[] {
  const trace: TraceNode[] = [];
  for (const word of words) {
    const before = word.parent === null ? { step: -1, total: 0 } : trace[word.parent]!;
    const logProbability = word.logProbability ?? 0;
    const total = before.total + logProbability;
    trace.push({ step: before.step + 1, fate: 'alive', ...word, logProbability, total });
  }
  return trace;
}

const START = { word: '<S>', parent: null } as const;
const END = { word: '</S>', fate: 'complete' } as const;
const SEVEN_A_LETTER = (label: string) => 7 * label.length;

/** "a" is a caption, once and once outdone; another word went no further. */
const SMALL = traceOf([
  START,
  { word: 'a', parent: 0, logProbability: Math.log(0.5) },
  { word: '"<猫>&', parent: 0, fate: 'dropped', logProbability: Math.log(0.1) },
  { ...END, parent: 1, caption: 0 },
  { ...END, parent: 1 },
]);

test('a tree as SVG: dashed lines first, labels with per cent, badges at ends, all text escaped', () => {
  // By hand: 8 pixels a letter, 14 for 猫, 8 around labels, 30 between columns, rows of 21, badges 22 wide.
  const picture = traceTree(SMALL).split('\n');
  assert.equal(picture[0], '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="68" role="img">');
  assert.deepEqual(picture.slice(picture.indexOf(picture.find((line) => line.startsWith('<path'))!)), [
    '<path class="edge dropped " d="M8 32.5C20.5 32.5 20.5 53.5 33 53.5"/>',
    '<path class="edge complete " d="M94 32.5C125.5 32.5 125.5 53.5 157 53.5"/>',
    '<path class="edge alive told best" d="M8 32.5C20.5 32.5 20.5 32.5 33 32.5"/>',
    '<path class="edge complete told best" d="M94 32.5C125.5 32.5 125.5 32.5 157 32.5"/>',
    '<g class="node alive told best"><title>&lt;S&gt;: log-probability 0.000, 0.000 from the start, alive</title><circle cx="4" cy="32.5" r="4.5"/></g>',
    '<g class="node alive told best"><title>a: log-probability -0.693, -0.693 from the start, alive</title><text x="38" y="37">a 50 %</text></g>',
    '<g class="node dropped "><title>&quot;&lt;猫&gt;&amp;: log-probability -2.303, -2.303 from the start, dropped</title><text x="38" y="58">&quot;&lt;猫&gt;&amp; 10 %</text></g>',
    '<g class="node complete told best"><title>&lt;/S&gt;: log-probability 0.000, -0.693 from the start, complete</title><circle class="badge" cx="176" cy="32.5" r="9"/><text class="badge-text" x="176" y="36.5" text-anchor="middle">1</text></g>',
    '<g class="node complete "><title>&lt;/S&gt;: log-probability 0.000, -0.693 from the start, complete</title><circle class="badge other" cx="176" cy="53.5" r="6"/></g>',
    '</svg>',
    '',
  ]);
});

test('lines are told apart by styles for each of their classes', () => {
  const svg = traceTree(SMALL);
  for (const rule of [
    '.edge.dropped {',
    '.edge.told {',
    '.edge.best {',
    '.badge.other {',
    '.node .badge-text {',
  ])
    assert.ok(svg.includes(`\n${rule}`), rule);
  assert.ok(svg.includes('<style>svg {'));
});

test('columns stand beside one another, as wide as their longest label', () => {
  const nodes = treeNodes(SMALL);
  const layout = layOut(nodes, SEVEN_A_LETTER);
  assert.deepEqual(layout, {
    columns: [
      { x: 4, step: 0 },
      { x: 38, step: 1 },
      { x: 38 + 43 + 30, step: 2 },
    ],
    width: 38 + 43 + 30 + 26 + 12,
    height: 53.5 + 10.5 + 4,
  });
  assert.deepEqual(
    nodes.map(({ width, label }) => [width, label]),
    [
      [4, ''],
      [15, 'a'],
      [43, '"<猫>&'],
      [26, ''],
      [26, ''],
    ],
  );
});

test('a node knows the words so far, whether it ends, and the best caption that it belongs to', () => {
  const nodes = treeNodes(
    traceOf([
      START,
      { word: 'a', parent: 0 },
      { word: 'cat', parent: 1 },
      { ...END, parent: 2, caption: 1 },
      { word: 'dog', parent: 1 },
      { ...END, parent: 4, caption: 0 },
      { ...END, parent: 4 },
      { word: 'the', parent: 0 },
    ]),
  );
  assert.deepEqual(
    nodes.map(({ text, told, ends }) => [text, told, ends]),
    [
      ['', 0, false],
      ['a', 0, false],
      ['a cat', 1, false],
      ['a cat', 1, true],
      ['a dog', 0, false],
      ['a dog', 0, true],
      ['a dog', Infinity, true],
      ['the', Infinity, false],
    ],
  );
  assert.deepEqual(
    nodes.map(({ children }) => children.map(({ index }) => index)),
    [[1, 7], [2, 4], [3], [], [5, 6], [], [], []],
  );
});

test('badges stand where sentences end: those of captions and those that were outdone', () => {
  const trace = traceOf([
    START,
    { word: 'a', parent: 0 },
    { ...END, parent: 1, caption: 0 },
    { ...END, parent: 1 },
    { ...END, parent: 1, fate: 'dropped' },
    { word: 'cat', parent: 1, caption: 1 },
  ]);
  assert.deepEqual(treeNodes(trace).map(hasBadge), [false, false, true, true, false, true]);
  assert.deepEqual(treeNodes(trace).map(wordLabel), ['', 'a', '', '', 'end', 'cat']);
});

test('pieces are joined to the word that they go on with', () => {
  const nodes = treeNodes(
    traceOf([
      START,
      { word: 'surf', parent: 0 },
      { word: 'board', parent: 1, continues: true },
      { word: 'er', parent: 2, continues: true },
      { word: '.', parent: 2 },
    ]),
  );
  assert.deepEqual(nodes.map(wordLabel), ['', 'surf', '·board', '·er', '.']);
  assert.deepEqual(
    nodes.map(({ text }) => text),
    ['', 'surf', 'surfboard', 'surfboarder', 'surfboard .'],
  );
});

/** Rows relative to the start. */
function rows(words: readonly Word[]): number[] {
  const nodes = treeNodes(traceOf(words));
  layOut(nodes, SEVEN_A_LETTER);
  return nodes.map(({ y }) => Math.round((y - nodes[0]!.y) * 1e6) / 1e6);
}

test('the first word that lived stands beside the word before, those dropped around it', () => {
  const words: Word[] = [
    START,
    { word: 'a', parent: 0, fate: 'dropped' },
    { word: 'b', parent: 0 },
    { word: 'c', parent: 0 },
  ];
  assert.deepEqual(rows(words), [0, -21, 0, 21]);
  const top = treeNodes(traceOf(words));
  layOut(top, SEVEN_A_LETTER);
  assert.deepEqual(Math.min(...top.map(({ y }) => y)), 32.5);
});

/** "p" with three followers pushes the one of "q" down by a row and a half: who gives way? */
function pushed(fates: readonly Partial<TraceNode>[]): number[] {
  const followers = fates.map((fate, i): Word => ({ word: `w${i}`, parent: i < 3 ? 1 : 2, ...fate }));
  return rows([START, { word: 'p', parent: 0 }, { word: 'q', parent: 0 }, ...followers]).slice(3);
}

// The least of weight x distance², each a row below the one before: 144 on the way to the best caption, 12 alive, 1 dropped.
test('words that push one another give way by their weights', () => {
  const alive = { fate: 'alive' } as const;
  const below = (first: number) => [0, 21, 42, 63].map((row) => Math.round((first + row) * 1e6) / 1e6);
  assert.deepEqual(pushed([{ caption: 0 }, alive, alive, alive]), below((-42 * 12) / (144 + 36)));
  assert.deepEqual(pushed([alive, alive, alive, alive]), below((-42 * 12) / 48));
  assert.deepEqual(pushed([alive, alive, alive, { fate: 'dropped' }]), below((-42 * 1) / 37));
  assert.deepEqual(pushed([{ caption: 1 }, alive, alive, alive]), below((-42 * 12) / 48));
});

test('words that have room stand where they like', () => {
  const trace: Word[] = [
    START,
    { word: 'p', parent: 0 },
    { word: 'q', parent: 0, fate: 'alive' },
    { word: 'r', parent: 0 },
    { word: 'x', parent: 1 },
    { word: 'y', parent: 3 },
  ];
  assert.deepEqual(rows(trace), [0, 0, 21, 42, 0, 42]);
});

test('what was dropped is left out, whoever else follows the same word', () => {
  const kept = withoutDropped(treeNodes(SMALL));
  assert.deepEqual(
    kept.map(({ index, children }) => [index, children.map((child) => child.index)]),
    [
      [0, [1]],
      [1, [3, 4]],
      [3, []],
      [4, []],
    ],
  );
});

test('lines are painted from those that matter least to the best, and none leads to the start', () => {
  const trace = traceOf([
    START,
    { word: 'best', parent: 0, caption: 0 },
    { word: 'gone', parent: 0, fate: 'dropped' },
    { word: 'second', parent: 0, caption: 1 },
    { word: 'alive', parent: 0 },
    { word: 'third', parent: 0, caption: 2 },
  ]);
  assert.deepEqual(
    inPaintOrder(treeNodes(trace)).map(({ word }) => word),
    ['gone', 'alive', 'third', 'second', 'best'],
  );
});
