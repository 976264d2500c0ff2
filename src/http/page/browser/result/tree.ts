/** The tree of the search: what was kept, what was dropped, and how the captions came about. */
import {
  BADGE,
  classesOf,
  edgePath,
  hasBadge,
  inPaintOrder,
  layOut,
  ROW,
  type TreeLayout,
  type TreeNode,
  treeNodes,
  withoutDropped,
} from '../../../../pictures/tree-layout.ts';
import { type Card, isMany } from '../shared/cards.ts';
import { $, draw } from '../shared/document.ts';
import { minus, percent, unbroken } from '../shared/text.ts';
import { treeTable } from './tree-table.ts';

/** Words of one step; above it the picture would be taller than a screen, and leaves dropped words out. */
const MAX_ROWS = 36;
const FATES = { alive: 'kept', dropped: 'dropped', complete: 'finished, but not among the best' } as const;

/** What the visitor last chose; at first trees are open where there is room. Of many photographs each is opened by itself. */
let treesOpen = matchMedia('(min-width: 46rem)').matches;

/** Opens and closes as the visitor last did; drawn when it is first looked at. */
export function watchTree(card: Card): void {
  const tree = $<HTMLDetailsElement>('.tree', card.element);
  $('.view', tree).ariaLabel = `Beam tree of ${card.name}`;
  $('.view', tree).tabIndex = 0; // it scrolls
  $('summary', tree).addEventListener('click', () => {
    if (!isMany()) treesOpen = !tree.open;
  });
  tree.addEventListener('toggle', () => {
    if (tree.open) showTree(card);
  });
}

/** For the card's new result. */
export function offerTree(card: Card): void {
  const tree = $<HTMLDetailsElement>('.tree', card.element);
  tree.hidden = !card.result?.trace?.length;
  $('.view', tree).replaceChildren();
  tree.open = treesOpen && !isMany();
  if (tree.open) showTree(card);
}

function showTree({ element, result }: Card): void {
  const view = $('.view', element);
  if (view.firstChild || !result?.trace?.length) return;
  const nodes = treeNodes(result.trace);
  const crowded = [...Map.groupBy(nodes, (node) => node.step).values()].some(
    (step) => step.length > MAX_ROWS,
  );
  const drawn = crowded ? withoutDropped(nodes) : nodes;
  view.append(treePicture(drawn, layOut(drawn, labelWidth), $('.spoken', element)));
  $('.crowded', element).hidden = !crowded;
  $('.view title', element).textContent = treeSummary(nodes);
  $('.as-table table', element).replaceChildren(...treeTable(nodes));
}

/** A little more than the text measures: browsers round. */
function labelWidth(label: string): number {
  const context = document.createElement('canvas').getContext('2d')!;
  context.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  return context.measureText(label).width * 1.06;
}

/** @param spoken tells about the node that is pointed at */
function treePicture(
  nodes: readonly TreeNode[],
  { columns, width, height }: TreeLayout,
  spoken: HTMLElement,
): SVGElement {
  const svg = draw('svg', { width: Math.ceil(width), height: Math.ceil(height), role: 'img' });
  svg.append(draw('title', {}));
  for (const { x, step } of columns.slice(1)) {
    svg.append(draw('text', { x, y: 11, class: 'step' }, step === 1 ? 'word 1' : String(step)));
  }
  const edges = new Map<TreeNode, SVGElement>();
  for (const node of inPaintOrder(nodes)) {
    const edge = draw('path', { d: edgePath(node), class: `edge ${classesOf(node)}` });
    edges.set(node, edge);
    svg.append(edge);
  }
  for (const node of nodes) svg.append(nodePicture(node));
  svg.addEventListener('pointerover', (event) => {
    const index = (event.target as Element).closest<SVGElement>('.node')?.dataset.node;
    const node = nodes.find((n) => String(n.index) === index);
    for (const edge of edges.values()) edge.classList.remove('lit');
    for (let n = node; n?.up; n = n.up) edges.get(n)!.classList.add('lit');
    if (node?.up) spoken.textContent = describe(node);
  });
  return svg;
}

function nodePicture(node: TreeNode): SVGElement {
  const group = draw('g', { class: `node ${classesOf(node)}`, 'data-node': node.index });
  const { x, y, width, label, fate } = node;
  group.append(draw('rect', { class: 'hit', x: x - 8, y: y - ROW / 2, width: width + 10, height: ROW }));
  if (!node.up) group.append(draw('circle', { class: 'dot', cx: x, cy: y, r: 4.5 }));
  else if (label) group.append(draw('text', { x, y: y + 4.5, class: fate }, label));
  if (fate === 'dropped') {
    group.append(draw('path', { class: 'cross', d: `M${x + width} ${y - 2.5}l6 6m0-6l-6 6` }));
  }
  if (hasBadge(node)) group.append(...badgePicture(node));
  return group;
}

function badgePicture({ x, y, width, caption }: TreeNode): SVGElement[] {
  const cx = x + width - BADGE - 3;
  if (caption === undefined) return [draw('circle', { class: 'badge other', cx, cy: y, r: BADGE - 3 })];
  return [
    draw('circle', { class: 'badge', cx, cy: y, r: BADGE }),
    draw('text', { class: 'badge-text', x: cx, y: y + 4, 'text-anchor': 'middle' }, String(caption + 1)),
  ];
}

function describe({ text, word, ends, fate, caption, logProbability, total }: TreeNode): string {
  const became = caption !== undefined ? `caption ${caption + 1}` : FATES[fate];
  const last = `${ends ? 'end' : word} ${percent(Math.exp(logProbability))}`;
  return `“${unbroken(text)}”: ${last}, log-probability ${minus(total)} so far; ${became}.`;
}

function treeSummary(nodes: readonly TreeNode[]): string {
  const count = (fate: TreeNode['fate']) => nodes.filter((node) => node.up && node.fate === fate).length;
  const steps = Math.max(...nodes.map((n) => n.step));
  return `Beam tree of ${steps} steps: ${count('alive')} beginnings kept, ${count('dropped')} dropped, ${count('complete')} sentences finished. A table with the same content follows.`;
}
