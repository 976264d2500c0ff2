import type { TreeNode } from '../../../../pictures/tree-layout.ts';
import { make } from '../shared/document.ts';
import { percent, unbroken } from '../shared/text.ts';

/** The same as the picture, for those who cannot see it: a row a step. */
export function treeTable(nodes: readonly TreeNode[]): HTMLTableRowElement[] {
  const head = make('tr');
  head.append(...['Step', 'Kept', 'Dropped', 'Finished'].map((title) => headCell('col', title)));
  const rows = Map.groupBy(
    nodes.filter((node) => node.up),
    (node) => node.step,
  );
  return [head, ...[...rows].map(([step, inRow]) => stepRow(step, inRow))];
}

function stepRow(step: number, inRow: readonly TreeNode[]): HTMLTableRowElement {
  const row = make('tr');
  row.append(headCell('row', String(step)));
  for (const fate of ['alive', 'dropped', 'complete']) {
    const cell = make('td');
    for (const node of inRow.filter((n) => n.fate === fate))
      cell.append(make('span', 'entry', entryOf(node)));
    row.append(cell);
  }
  return row;
}

function headCell(scope: 'col' | 'row', title: string): HTMLTableCellElement {
  const cell = make('th', '', title);
  cell.scope = scope;
  return cell;
}

function entryOf({ fate, up, ends, word, text, caption, logProbability }: TreeNode): string {
  const p = percent(Math.exp(logProbability));
  if (fate === 'dropped') return `${up?.up ? '… ' : ''}${ends ? 'end' : word} ${p}`;
  return `${caption === undefined ? '' : `${caption + 1}) `}${unbroken(text)} ${p}`;
}
