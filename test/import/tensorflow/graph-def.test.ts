import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import protobuf from 'protobufjs';
import { readGraph } from '../../../src/import/tensorflow/graph-def.ts';
import { writtenFile } from '../bytes/written-file.ts';
import { rejectsSource } from '../source/source-failures.ts';
import { constantAttribute, writeNode } from './edit-graph.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const nothing = new Uint8Array();

function node(name: string, { inputs = [] as string[], rest = nothing as Uint8Array, op = 'Op' } = {}) {
  return writeNode({ name, op, inputs, rest });
}

/** Where the bytes of a node of fewer than 128 bytes start, from its tag on. */
const HEADER = 2;

async function read(t: TestContext, ...parts: Uint8Array[]) {
  return readGraph(await writtenFile(t, Buffer.concat(parts)));
}

/** Place, what was expected and what was there. */
async function refusal(t: TestContext, ...parts: Uint8Array[]) {
  const problem = await rejectsSource(read(t, ...parts), 'SourceDamaged');
  return [problem.offset, problem.expected, problem.actual];
}

/** An entry of `attr`: key, and the encoded AttrValue. */
function attribute(key: string, value: Uint8Array): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x2a).fork().uint32(0x0a).string(key);
  return writer.uint32(0x12).bytes(value).ldelim().finish();
}

/** An attribute `value` with the fields of its TensorProto. */
const tensor = (fields: Uint8Array, key = 'value'): Uint8Array =>
  attribute(key, protobuf.Writer.create().uint32(0x42).bytes(fields).finish());

describe('nodes', () => {
  test('names, operations, inputs, the attributes that matter, and where each starts', async (t) => {
    const rest = Buffer.concat([
      attribute('epsilon', hex('25 0000803f')),
      attribute('momentum', hex('25 00000040')),
      attribute('is_training', hex('2801')),
      attribute('transpose_a', hex('2800')),
      attribute('transpose_b', hex('2801')),
      attribute('use_locking', hex('2801')),
      attribute('data_format', hex('1204 4e485743')),
    ]);
    const first = node('a', { inputs: ['b:1', '^c'], rest });
    // A version, as it stands at the end of every graph, and a field that nobody knows.
    const graph = await read(t, hex('1801'), hex('7a03 616263'), first, node('b'));
    const start = 7 + 3;
    assert.deepEqual(
      [...graph.values()],
      [
        {
          name: 'a',
          op: 'Op',
          inputs: ['b:1', '^c'],
          offset: start,
          numbers: new Map([['epsilon', 1]]),
          flags: new Map([
            ['is_training', true],
            ['transpose_a', false],
            ['transpose_b', true],
          ]),
          value: null,
        },
        {
          name: 'b',
          op: 'Op',
          inputs: [],
          offset: 7 + first.length + HEADER,
          numbers: new Map(),
          flags: new Map(),
          value: null,
        },
      ],
    );
    assert.deepEqual([...graph.keys()], ['a', 'b']);
  });

  test('constants: type, shape and the place of their numbers', async (t) => {
    const content = node('c', { rest: constantAttribute([2, 1], hex('0102030405060708'), 'content') });
    const packed = node('p', { rest: constantAttribute([], hex('0000803f'), 'floats') });
    // float_val, not packed: one number after its tag
    const bare = node('n', { rest: tensor(hex('0801 1200 2d 00000040')) });
    const other = node('o', { rest: tensor(hex('0801'), 'default') });
    const file = Buffer.concat([content, packed, bare, other]);
    const graph = await read(t, file);
    const numbers = [hex('0102030405060708'), hex('0000803f'), hex('00000040')].map((b) => file.indexOf(b));
    assert.deepEqual(
      [...graph.values()].map(({ value }) => value),
      [
        {
          name: 'c',
          dtype: 1,
          shape: [2, 1],
          content: { offset: numbers[0], length: 8 },
          floats: null,
        },
        { name: 'p', dtype: 1, shape: [], content: null, floats: { offset: numbers[1], length: 4 } },
        { name: 'n', dtype: 1, shape: [], content: null, floats: { offset: numbers[2], length: 4 } },
        null,
      ],
    );
  });

  test('fields that are left out have the defaults of protocol buffers', async (t) => {
    const value = { name: '', dtype: 0, shape: [], content: null, floats: null };
    const said = { name: '', op: '', inputs: [], numbers: new Map(), flags: new Map() };
    const [bare] = (await read(t, hex('0a00'))).values();
    assert.deepEqual(bare, { ...said, offset: HEADER, value: null });
    const rest = tensor(nothing);
    const [empty] = (await read(t, Buffer.from([0x0a, rest.length]), rest)).values();
    assert.deepEqual(empty, { ...said, offset: HEADER, value });
    // A number without a name is none of those that matter.
    const unnamed = hex('2a07 1205 250000803f');
    const [other] = (await read(t, Buffer.from([0x0a, unnamed.length]), unnamed)).values();
    assert.deepEqual(other, { ...said, offset: HEADER, value: null });
  });

  test('a node larger than the window, and nodes that lie across its end', async (t) => {
    const large = new Uint8Array(1_200_000).fill(7);
    const many = Array.from({ length: 60 }, (_, i) =>
      node(`n${i}`, { rest: constantAttribute([25_000], new Uint8Array(100_000).fill(i), 'content') }),
    );
    const graph = await read(
      t,
      ...many.slice(0, 30),
      node('large', { rest: constantAttribute([300_000], large, 'content') }),
      ...many.slice(30),
    );
    assert.equal(graph.size, 61);
    assert.deepEqual(
      [...graph.values()].map(({ name, value }) => [name, value?.content?.length]),
      [
        ...Array.from({ length: 30 }, (_, i) => [`n${i}`, 100_000]),
        ['large', 1_200_000],
        ...Array.from({ length: 30 }, (_, i) => [`n${i + 30}`, 100_000]),
      ],
    );
  });
});

describe('refused, where it stands', () => {
  const start = node('a');
  const at = start.length;

  const fields: [what: string, bytes: string, actual: string][] = [
    ['a field number of 0', '0201 61', '020161'],
    ['a field number past 8191', '808004 01', '80800401'],
    ['a tag that does not end', 'ff', 'ff'],
    ['no length', '0a', '0a'],
    ['a fixed number', '0d01000000 0000000000', 'wire type 5'],
    ['a group', '0b00', 'wire type 3'],
  ];
  for (const [what, bytes, actual] of fields) {
    test(what, async (t) => {
      assert.deepEqual(await refusal(t, start, hex(bytes)), [at, 'a field of a GraphDef', actual]);
    });
  }

  test('a node that is longer than the file, by one byte', async (t) => {
    assert.deepEqual(await refusal(t, start, hex('0a04 0a0162')), [at + 2, '4 bytes', '3 up to the end']);
  });

  test('two nodes of one name', async (t) => {
    assert.deepEqual(await refusal(t, start, start), [at + HEADER, 'nodes with different names', 'two a']);
  });

  test('names longer than 4096 bytes', async (t) => {
    const name = 'x'.repeat(4096);
    assert.deepEqual([...(await read(t, node(name, { op: name }))).keys()], [name]);
    for (const long of [
      node(`${name}x`),
      node('a', { op: `${name}x` }),
      node('a', { inputs: [`${name}x`] }),
    ]) {
      const [, expected, actual] = await refusal(t, long);
      assert.deepEqual([expected, actual], ['a NodeDef', 'a name of 4097 bytes']);
    }
  });

  test('a node of more than 10,000 inputs', async (t) => {
    const inputs = Array<string>(10_000).fill('i');
    assert.equal((await read(t, node('a', { inputs }))).get('a')?.inputs.length, 10_000);
    const [, expected, actual] = await refusal(t, node('a', { inputs: [...inputs, 'i'] }));
    assert.deepEqual([expected, actual], ['a NodeDef', 'more than 10000 inputs']);
  });

  test('more than two million inputs in all', async (t) => {
    const inputs = Array<string>(10_000).fill('');
    const nodes = Array.from({ length: 200 }, (_, i) => node(`n${i}`, { inputs }));
    assert.equal((await read(t, ...nodes)).size, 200);
    const [, expected, actual] = await refusal(t, ...nodes, node('last', { inputs: ['i'] }));
    assert.deepEqual([expected, actual], ['at most 200000 nodes with 2000000 inputs', 'more']);
  });

  test('float_val in several pieces', async (t) => {
    for (const fields of ['2d00000040 2d00000040', '2a0400000040 2d00000040', '2a0400000040 2a0400000040']) {
      const [, expected, actual] = await refusal(t, node('a', { rest: tensor(hex(fields)) }));
      assert.deepEqual([expected, actual], ['a NodeDef', 'float_val in several pieces']);
    }
  });
});
