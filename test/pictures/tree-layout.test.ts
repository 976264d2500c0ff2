import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TraceNode } from '../../src/caption/result.ts';
import { layOut, ROW, type TreeNode, treeNodes, withoutDropped } from '../../src/pictures/tree-layout.ts';

/** A trace of that many steps, each node of which has up to three followers. */
const traces = fc
  .array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 }), { maxLength: 6 })
  .map((followers) => {
    const trace: TraceNode[] = [
      { parent: null, step: 0, word: '<S>', logProbability: 0, total: 0, fate: 'alive' },
    ];
    let column = [0];
    followers.forEach((counts, step) => {
      const next: number[] = [];
      column.forEach((parent, i) => {
        for (let n = 0; n < counts[i % counts.length]!; n++) {
          const fate = n === 2 ? 'dropped' : 'alive';
          if (fate === 'alive') next.push(trace.length);
          trace.push({ parent, step: step + 1, word: `w${n}`, logProbability: -1, total: -step - 1, fate });
        }
      });
      column = next;
    });
    return trace;
  });

const width = (label: string) => 7 * label.length;

/** How much a word's wish for its row counts: dropped, alive, on the way to the best caption. */
const weightOf = ({ fate, told }: TreeNode) => (fate === 'dropped' ? 1 : told === 0 ? 144 : 12);

/** Where each word of a column would stand if the others left it the room: its first living sister in line with what is before. */
function wishes(column: readonly TreeNode[]): number[] {
  return column.map(({ up, index }) => {
    const sisters = up!.children;
    const living = sisters.findIndex(({ fate }) => fate !== 'dropped');
    const below = sisters.findIndex((sister) => sister.index === index) - (living < 0 ? 0 : living);
    return up!.y + below * ROW;
  });
}

test('rows are as near to where words would like to stand as the distances allow, the best caption nearest', () => {
  fc.assert(
    fc.property(traces, fc.integer({ min: 0, max: 2 }), (trace, every) => {
      // Captions at the ends of some living words, the best of them anywhere.
      const living = [...trace.keys()].filter(
        (i) => trace[i]!.fate === 'alive' && trace.every(({ parent }) => parent !== i),
      );
      living.forEach((at, i) => {
        if (i % 3 >= every) trace[at]!.caption = (i * 7) % living.length;
      });
      const nodes = treeNodes(trace);
      layOut(nodes, width);
      let column = nodes.filter(({ up }) => !up).flatMap(({ children }) => children);
      while (column.length > 0) {
        const wish = wishes(column).map((y, i) => y - i * ROW);
        const mean = (from: number, to: number) => {
          let [sum, weight] = [0, 0];
          for (let i = from; i <= to; i++) {
            sum += wish[i]! * weightOf(column[i]!);
            weight += weightOf(column[i]!);
          }
          return sum / weight;
        };
        // Isotonic regression in closed form: the largest of the smallest means around each word.
        column.forEach((node, i) => {
          const right = Math.max(
            ...column
              .slice(0, i + 1)
              .map((_, from) => Math.min(...column.slice(i).map((_, n) => mean(from, i + n)))),
          );
          assert.ok(Math.abs(node.y - (right + i * ROW)) < 1e-6, `${node.y} for ${right + i * ROW}`);
        });
        column = column.flatMap(({ children }) => children);
      }
    }),
    { numRuns: 200, seed: 4 },
  );
});

test('words of a step stand below one another, in the order of those before them, inside of the picture', () => {
  fc.assert(
    fc.property(traces, (trace) => {
      const nodes = treeNodes(trace);
      const layout = layOut(nodes, width);
      for (const column of Map.groupBy(nodes, (node) => node.step).values()) {
        const inOrder = column.toSorted((a, b) => a.y - b.y);
        for (const [i, node] of inOrder.entries()) {
          assert.equal(node.x, column[0]!.x);
          assert.ok(node.y > 0 && node.y + ROW / 2 <= layout.height && node.x + node.width <= layout.width);
          if (i === 0) continue;
          const above = inOrder[i - 1]!;
          assert.ok(node.y - above.y >= ROW - 1e-6, 'they overlap');
          assert.ok(node.up === above.up || node.up!.y >= above.up!.y, 'lines cross');
        }
      }
    }),
    { numRuns: 300, seed: 4 },
  );
});

test('a step begins where the longest label of the step before has ended', () => {
  fc.assert(
    fc.property(traces, (trace) => {
      const nodes = treeNodes(trace);
      layOut(nodes, width);
      for (const { up, x } of nodes) if (up) assert.ok(x > up.x + up.width);
    }),
    { numRuns: 100, seed: 4 },
  );
});

test('without what was dropped the rest stays a tree', () => {
  fc.assert(
    fc.property(traces, (trace) => {
      const kept = withoutDropped(treeNodes(trace));
      assert.ok(kept.every(({ fate }) => fate !== 'dropped'));
      for (const { children } of kept) for (const child of children) assert.ok(kept.includes(child));
    }),
    { numRuns: 100, seed: 4 },
  );
});
