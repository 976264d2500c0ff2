/** RFC 4180, and OWASP's advice against cells that are formulas. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvRow } from '../src/csv.ts';

test('cells stand between commas, and a row ends as the RFC says', () => {
  assert.equal(csvRow(['a', 'b c', 3]), 'a,b c,3\r\n');
  assert.equal(csvRow([undefined, '', 0]), ',,0\r\n');
  assert.equal(csvRow([]), '\r\n');
});

test('a cell with a separator in it is quoted, and its quotes are doubled', () => {
  const cells = {
    'a,b': '"a,b"',
    'a"b"': '"a""b"""',
    'a\nb': '"a\nb"',
    'a\rb': '"a\rb"',
    'a\tb': '"a\tb"',
    "a'b": `"a'b"`,
    'a;b': 'a;b',
  };
  for (const [cell, written] of Object.entries(cells)) assert.equal(csvRow([cell]), `${written}\r\n`);
});

test('a text that spreadsheets could take for a formula becomes text; a number stays one', () => {
  for (const begin of ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
    assert.equal(csvRow([`${begin}1`]), `"'${begin}1"\r\n`, JSON.stringify(begin));
    assert.doesNotMatch(csvRow([`1 ${begin}`]), /'/, 'at its end it begins nothing');
  }
  assert.equal(csvRow([-1.5]), '-1.5\r\n');
});
