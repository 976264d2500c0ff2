/** A beam trace as a picture, laid out as the page does it: what the search looked at, step by step from left to right. */
import type { TraceNode } from '../caption/result.ts';
import {
  BADGE,
  classesOf,
  edgePath,
  hasBadge,
  inPaintOrder,
  layOut,
  type TreeNode,
  treeNodes,
  wordLabel,
} from './tree-layout.ts';

/** Pixels of a letter: no font is at hand to measure with, and most letters are narrower. */
const LETTER_WIDTH = 8;
/** Of scripts whose letters are about square. */
const WIDE_LETTER_WIDTH = 14;
const WIDE_LETTER = /[\u1100-\u11ff\u2e80-\uffdc]/;

const STYLE = `
svg { background: #fff; }
text { font: 13px system-ui, sans-serif; fill: #1a1a1a; }
.edge { fill: none; stroke: #8a8a8a; stroke-width: 1.25; }
.edge.dropped { stroke: #c5c5c5; stroke-dasharray: 3 3; }
.edge.told { stroke: #3d4fc9; stroke-width: 1.75; }
.edge.best { stroke: #1b7f3b; stroke-width: 3; }
.node.dropped text { fill: #6b6b6b; }
.node.best text { font-weight: 650; }
.badge { fill: #3d4fc9; }
.best .badge { fill: #1b7f3b; }
.badge.other { fill: #fff; stroke: #8a8a8a; }
.node .badge-text { fill: #fff; font-size: 11px; font-weight: 700; }
`.trim();

/**
 * A self-contained SVG document: kept words on full lines, dropped ones on dashed ones, the captions numbered at their
 * ends, the path of the best one in green. A word's title says its probability.
 */
export function traceTree(trace: readonly TraceNode[]): string {
  const nodes = treeNodes(trace);
  const { width, height } = layOut(nodes, labelWidth, labelOf);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${Math.ceil(height)}" role="img">`,
    '<title>What the beam search looked at</title>',
    `<style>${STYLE}</style>`,
    ...inPaintOrder(nodes).map((node) => `<path class="edge ${classesOf(node)}" d="${edgePath(node)}"/>`),
    ...nodes.map(nodePicture),
    '</svg>\n',
  ].join('\n');
}

function nodePicture(node: TreeNode): string {
  const { x, y, label, up } = node;
  const start = up === undefined ? `<circle cx="${x}" cy="${y}" r="4.5"/>` : '';
  const text = label === '' ? '' : `<text x="${x}" y="${y + 4.5}">${escapeXml(label)}</text>`;
  return [
    `<g class="node ${classesOf(node)}">`,
    `<title>${escapeXml(titleOf(node))}</title>`,
    start,
    text,
    hasBadge(node) ? badgePicture(node) : '',
    '</g>',
  ].join('');
}

/** The caption's number; empty for one that was finished and then outdone. */
function badgePicture({ x, y, width, caption }: TreeNode): string {
  const cx = x + width - BADGE - 3;
  if (caption === undefined) return `<circle class="badge other" cx="${cx}" cy="${y}" r="${BADGE - 3}"/>`;
  const number = `<text class="badge-text" x="${cx}" y="${y + 4}" text-anchor="middle">${caption + 1}</text>`;
  return `<circle class="badge" cx="${cx}" cy="${y}" r="${BADGE}"/>${number}`;
}

function labelOf(node: TreeNode): string {
  const word = wordLabel(node);
  return word === '' ? '' : `${word} ${(100 * Math.exp(node.logProbability)).toFixed(0)} %`;
}

function labelWidth(label: string): number {
  const widths = [...label].map((letter) => (WIDE_LETTER.test(letter) ? WIDE_LETTER_WIDTH : LETTER_WIDTH));
  return widths.reduce((sum, width) => sum + width, 0);
}

function titleOf({ word, logProbability, total, fate }: TraceNode): string {
  return `${word}: log-probability ${logProbability.toFixed(3)}, ${total.toFixed(3)} from the start, ${fate}`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}
