/** A beam trace as a picture: what the search looked at, step by step from left to right. */
import type { TraceNode } from '../caption/result.ts';

/** Pixels. */
const COLUMN = 132;
const ROW = 26;
const MARGIN = 16;
const WORD_HEIGHT = 20;
const WORD_WIDTH = 108;

const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #1a1a1a; }
rect { fill: #fff; stroke: #8a8a8a; }
path { fill: none; stroke: #b5b5b5; }
.dropped rect { stroke: #d5d5d5; stroke-dasharray: 3 3; }
.dropped text { fill: #6b6b6b; }
.won rect { fill: #dff3e4; stroke: #1b7f3b; stroke-width: 2; }
path.won { stroke: #1b7f3b; stroke-width: 2; }
svg { background: #fff; }
`.trim();

/**
 * A self-contained SVG document: kept words in full lines, dropped ones dashed, the path of the best caption in green.
 * A word's title says its probability.
 */
export function traceTree(trace: readonly TraceNode[]): string {
  const rows = rowsOf(trace);
  const won = pathTo(
    trace,
    trace.findIndex((node) => node.caption === 0),
  );
  const width = 2 * MARGIN + (Math.max(...trace.map((node) => node.step)) + 1) * COLUMN;
  const height = 2 * MARGIN + (Math.max(...rows) + 1) * ROW;
  const x = (node: TraceNode) => MARGIN + node.step * COLUMN;
  const y = (i: number) => MARGIN + rows[i]! * ROW;
  const lines = trace.map((node, i) => {
    if (node.parent === null) return '';
    const from = trace[node.parent]!;
    const start = `${x(from) + WORD_WIDTH} ${y(node.parent) + WORD_HEIGHT / 2}`;
    const end = `${x(node)} ${y(i) + WORD_HEIGHT / 2}`;
    return `<path${won.has(i) ? ' class="won"' : ''} d="M${start} L${end}"/>`;
  });
  const words = trace.map((node, i) => {
    const names = [node.fate, ...(won.has(i) ? ['won'] : [])].join(' ');
    return [
      `<g class="${names}" transform="translate(${x(node)} ${y(i)})">`,
      `<title>${escapeXml(titleOf(node))}</title>`,
      `<rect width="${WORD_WIDTH}" height="${WORD_HEIGHT}" rx="4"/>`,
      `<text x="6" y="15">${escapeXml(labelOf(node))}</text></g>`,
    ].join('');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" role="img">`,
    '<title>What the beam search looked at</title>',
    `<style>${STYLE}</style>`,
    ...lines.filter((line) => line !== ''),
    ...words,
    '</svg>\n',
  ].join('\n');
}

/** Row of each word: leaves one below the other, a word beside the middle of what followed it. */
function rowsOf(trace: readonly TraceNode[]): number[] {
  const children = trace.map((): number[] => []);
  trace.forEach((node, i) => {
    if (node.parent !== null) children[node.parent]!.push(i);
  });
  const rows = new Array<number>(trace.length).fill(0);
  let next = 0;
  const place = (i: number): void => {
    for (const child of children[i]!) place(child);
    const [first] = children[i]!;
    rows[i] = first === undefined ? next++ : (rows[first]! + rows[children[i]!.at(-1)!]!) / 2;
  };
  place(0);
  return rows;
}

function pathTo(trace: readonly TraceNode[], end: number): ReadonlySet<number> {
  const path = new Set<number>();
  for (let i: number | null = end; i !== null && i >= 0; i = trace[i]!.parent) path.add(i);
  return path;
}

function labelOf({ word, logProbability, step }: TraceNode): string {
  return step === 0 ? word : `${word} ${(100 * Math.exp(logProbability)).toFixed(0)} %`;
}

function titleOf({ word, logProbability, total, fate }: TraceNode): string {
  return `${word}: log-probability ${logProbability.toFixed(3)}, ${total.toFixed(3)} from the start, ${fate}`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}
