/** docs/architecture.svg is kept by hand: its names have to be those of the stack and of the tree. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../support/samples.ts';
import { constructPaths } from './construct-names.ts';
import { synthesiseWay } from './synthesis.ts';

const picture = readFileSync(join(ROOT, 'docs/architecture.svg'), 'utf8');
const constructs = constructPaths(await synthesiseWay('gpu'));

/** Texts of one class. */
function texts(kind: string): string[] {
  return [...picture.matchAll(/<text class="([\w ]+)"[^>]*>([^<]*)<\/text>/g)]
    .filter(([, classes]) => classes!.split(' ').includes(kind))
    .map(([, , text]) => text!);
}

test('every construct in the picture is in the stack', () => {
  assert.ok(texts('construct').length > 10);
  assert.deepEqual(
    texts('construct').filter((path) => !constructs.has(path)),
    [],
  );
});

test('every file in the picture is in the tree', () => {
  assert.ok(texts('file').length > 5);
  assert.deepEqual(
    texts('file').filter((path) => !existsSync(join(ROOT, path))),
    [],
  );
});

test('every part of the stack is in the picture, and so is every bucket, queue and state machine', () => {
  const shown = texts('construct');
  const isShown = (path: string) => shown.some((name) => name === path || name.startsWith(`${path}/`));
  const parts = [...constructs].filter((path) => /^[A-Z]\w+$/.test(path) && isBuilt(path));
  assert.ok(parts.length >= 10);
  const stores = [...constructs].filter((path) => /^(Buckets|Queue)\/\w+$/.test(path));
  const machines = ['Workflows/OneImage', 'Workflows/WholeBucket'];
  assert.deepEqual(
    [...parts, ...stores, ...machines].filter((path) => !isShown(path)),
    [],
  );
});

/** Outputs, parameters and the network of others have nothing below them that the stack makes. */
function isBuilt(path: string): boolean {
  return path !== 'Network' && [...constructs].some((other) => other.startsWith(`${path}/`));
}

test('every text in the picture says what it is', () => {
  const all = picture.match(/<text /g)?.length;
  assert.equal(texts('construct').length + texts('file').length + texts('note').length, all);
});

test('the picture asks for nothing from elsewhere, and follows dark and light', () => {
  const withoutNamespace = picture.replace('xmlns="http://www.w3.org/2000/svg"', '');
  assert.doesNotMatch(withoutNamespace, /https?:|url\((?!#)|<image|<script|@import/);
  assert.match(picture, /prefers-color-scheme: dark/);
  assert.match(picture, /<title/);
});
