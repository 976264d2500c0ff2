import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  add,
  asNumber,
  divide,
  equal,
  keyOf,
  multiply,
  number,
  type Size,
  sign,
  subtract,
  symbol,
} from '../../../../src/import/captioner/graphs/facts/size.ts';

const [rows, length] = [symbol('rows'), symbol('length')];
const total = add(length, number(1));

/** The value where the names have these numbers. */
function measured(size: Size, named: Record<string, number>): number {
  let sum = 0;
  for (const [names, coefficient] of size) {
    const factors = names === '' ? [] : names.split('*').map((name) => named[name]!);
    sum += factors.reduce((product, factor) => product * factor, coefficient);
  }
  return sum;
}

test('sizes are calculated with as numbers are', () => {
  const sizes = [number(0), number(3), rows, total, multiply(rows, total), subtract(rows, total)];
  const named = { rows: 6, length: 4 };
  for (const a of sizes) {
    for (const b of sizes) {
      const [x, y] = [measured(a, named), measured(b, named)];
      assert.equal(measured(add(a, b), named), x + y);
      assert.equal(measured(subtract(a, b), named), x - y);
      assert.equal(measured(multiply(a, b), named), x * y);
      assert.equal(equal(a, b), keyOf(a) === keyOf(b));
    }
  }
});

test('what comes out even is divided, whatever the factors are', () => {
  const factors = [number(2), number(12), rows, total, add(rows, length)];
  for (const a of factors) {
    for (const b of factors) {
      const quotient = divide(multiply(a, b), b);
      assert.ok(quotient && equal(quotient, a), `${keyOf(a)} * ${keyOf(b)}`);
    }
  }
  assert.equal(divide(total, number(2)), null);
  assert.equal(divide(total, rows), null);
  assert.equal(divide(rows, number(0)), null);
  assert.equal(divide(add(multiply(rows, rows), number(1)), add(rows, number(1))), null);
});

test('which are numbers, and which are above or below zero whatever the names stand for', () => {
  assert.deepEqual([number(0), number(-4), rows, total].map(asNumber), [0, -4, null, null]);
  assert.deepEqual([number(0), number(-4), total, subtract(number(-1), rows)].map(sign), [0, -1, 1, -1]);
  assert.deepEqual([rows, subtract(rows, number(1))].map(sign), [null, null]);
});
