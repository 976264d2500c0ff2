/** What the stack calls its parts: paths of constructs, as in the code and in the picture. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Resources } from '../support/aws/template.ts';

/** What a synthesis leaves behind, see `test/infra/synthesis.ts`. */
export interface Synthesised {
  resources: Resources;
  /** Directory of the cloud assembly. */
  assembly: string;
}

interface TreeNode {
  id: string;
  children?: Record<string, TreeNode>;
}

type Metadata = Record<string, { type: string; data?: unknown }[]>;

/** Of the stack in the synthesis. */
const STACK = 'Captioner';

/** Paths of all constructs, from the stack: `Queue/DeadLetters`. */
export function constructPaths({ assembly }: Synthesised): Set<string> {
  const { tree } = readJson<{ tree: TreeNode }>(assembly, 'tree.json');
  return new Set(pathsBelow(tree.children![STACK]!));
}

/** Logical id of the template to the path of its construct: `QueueDeadLetters9B423CAD` to `Queue/DeadLetters`. */
export function pathsOfLogicalIds({ assembly }: Synthesised): Map<string, string> {
  const metadata = readJson<Metadata>(assembly, `${STACK}.metadata.json`);
  return new Map(
    Object.entries(metadata).flatMap(([path, entries]) =>
      entries
        .filter(({ type }) => type === 'aws:cdk:logicalId')
        .map(({ data }) => [String(data), nameOf(path)] as const),
    ),
  );
}

function nameOf(path: string): string {
  return path.replace(`/${STACK}/`, '').replace(/\/Resource$/, '');
}

function pathsBelow({ children = {} }: TreeNode, prefix = ''): string[] {
  return Object.values(children).flatMap((child) => {
    const path = prefix + child.id;
    return [path, ...pathsBelow(child, `${path}/`)];
  });
}

function readJson<T>(assembly: string, name: string): T {
  return JSON.parse(readFileSync(join(assembly, name), 'utf8')) as T;
}
