/**
 * The trace of a search as a tree that can be drawn: who follows whom, and where on the picture each word stands. For
 * SVG files and for the page alike, so without anything that only Node or only browsers have.
 */
import type { TraceNode } from '../caption/result.ts';

const END = '</S>';
/** Pixels. */
export const ROW = 21;
export const BADGE = 9;
const GAP = 30;
const TOP = 22;
/** Living lines pull this much harder, so that they stay straight. */
const LIVING = 12;

export interface TreeNode extends TraceNode {
  index: number;
  up: TreeNode | undefined;
  children: TreeNode[];
  /** The words so far. */
  text: string;
  /** The best caption that it belongs to, 0 the best of all; infinite for none. */
  told: number;
  /** True for `</S>`. */
  ends: boolean;
  /** Where its label starts, the middle of its height, and its width: pixels, once it is laid out. */
  x: number;
  y: number;
  width: number;
  label: string;
}

export interface TreeLayout {
  columns: { x: number; step: number }[];
  width: number;
  height: number;
}

/** The trace with what drawing needs. */
export function treeNodes(trace: readonly TraceNode[]): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (const [index, traced] of trace.entries()) {
    const up = traced.parent === null ? undefined : nodes[traced.parent];
    const ends = traced.word === END;
    const blank = up?.up && !traced.continues ? ' ' : '';
    const text = !up ? '' : ends ? up.text : up.text + blank + traced.word;
    const place = { x: 0, y: 0, width: 0, label: '' };
    const node: TreeNode = { ...traced, index, up, children: [], text, told: Infinity, ends, ...place };
    up?.children.push(node);
    nodes.push(node);
  }
  for (const { caption, index } of nodes) {
    if (caption === undefined) continue;
    for (let n = nodes[index]; n; n = n.up) n.told = Math.min(n.told, caption);
  }
  return nodes;
}

/** What was dropped never went on, so nothing else hangs on it. */
export function withoutDropped(nodes: readonly TreeNode[]): TreeNode[] {
  const kept = nodes.filter((node) => node.fate !== 'dropped');
  for (const node of kept) node.children = node.children.filter((child) => child.fate !== 'dropped');
  return kept;
}

/** Where a sentence ends: one of the captions, or one that was finished and then outdone. */
export function hasBadge(node: TreeNode): boolean {
  return node.caption !== undefined || node.fate === 'complete';
}

/**
 * Columns by step, rows so that lines never cross and bend as little as they can.
 * @param widthOf pixels that a label takes
 * @param labelFor what is written at a node @default the word; `end` where a dropped one ended
 */
export function layOut(
  nodes: readonly TreeNode[],
  widthOf: (label: string) => number,
  labelFor: (node: TreeNode) => string = wordLabel,
): TreeLayout {
  let column = nodes.filter((node) => !node.up);
  let x = 4;
  const columns: TreeLayout['columns'] = [];
  while (column.length > 0) {
    for (const node of column) {
      node.x = x;
      node.label = labelFor(node);
      node.width = node.label ? widthOf(node.label) + 8 : 4;
      if (hasBadge(node)) node.width += 2 * BADGE + 4;
    }
    columns.push({ x, step: column[0]!.step });
    x += Math.max(...column.map((node) => node.width)) + GAP;
    column = column.flatMap((node) => node.children);
    placeColumn(column);
  }
  const top = Math.min(...nodes.map((node) => node.y));
  for (const node of nodes) node.y += TOP + ROW / 2 - top;
  return { columns, width: x - GAP + 12, height: Math.max(...nodes.map((node) => node.y)) + ROW / 2 + 4 };
}

/** Nothing at the start, and where a caption ends: a badge stands there. A dot before what goes on with a word. */
export function wordLabel({ up, ends, word, fate, continues }: TreeNode): string {
  if (!up) return '';
  if (!ends) return continues ? `·${word}` : word;
  return fate === 'dropped' ? 'end' : '';
}

/** Lines of a tree in the order in which they are painted: those that matter last, over the others. */
export function inPaintOrder(nodes: readonly TreeNode[]): TreeNode[] {
  return nodes
    .filter((node) => node.up)
    .sort((a, b) => Number(a.fate !== 'dropped') - Number(b.fate !== 'dropped') || b.told - a.told);
}

/** The line from the word before to a word, as SVG writes paths. */
export function edgePath({ up, x, y }: TreeNode): string {
  const from = up!.x + up!.width;
  const to = x - 5;
  const middle = (from + to) / 2;
  return `M${from} ${up!.y}C${middle} ${up!.y} ${middle} ${y} ${to} ${y}`;
}

/** How a word and its line are drawn: its fate, `told` on the way to a caption, `best` on that to the best one. */
export function classesOf({ fate, told }: TreeNode): string {
  return `${fate} ${told === 0 ? 'told best' : told < Infinity ? 'told' : ''}`;
}

/** Neighbours of a column that push one another, and where they would like to be together. */
interface Pool {
  sum: number;
  weight: number;
  nodes: TreeNode[];
}

/** Least squares under "each at least a row below the one before": pools of neighbours that push one another. */
function placeColumn(column: readonly TreeNode[]): void {
  const pools: Pool[] = [];
  column.forEach((node, i) => {
    const { y, children: siblings } = node.up!;
    const lead = siblings.findIndex((n) => n.fate !== 'dropped');
    const wish = y + (siblings.indexOf(node) - Math.max(0, lead)) * ROW - i * ROW;
    const weight = node.fate === 'dropped' ? 1 : node.told === 0 ? LIVING * LIVING : LIVING;
    pools.push({ sum: wish * weight, weight, nodes: [node] });
    while (pools.length > 1 && mean(pools.at(-2)!) >= mean(pools.at(-1)!)) {
      const last = pools.pop()!;
      const pool = pools.at(-1)!;
      pool.sum += last.sum;
      pool.weight += last.weight;
      pool.nodes.push(...last.nodes);
    }
  });
  let i = 0;
  for (const pool of pools) for (const node of pool.nodes) node.y = mean(pool) + ROW * i++;
}

function mean({ sum, weight }: Pool): number {
  return sum / weight;
}
