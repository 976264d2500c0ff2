import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import { captionResultSchema, modelNameSchema, outcomeSchema, STAGES } from '../../src/caption/result.ts';

const word = { word: 'dog', logProbability: -0.5 };
const RESULT = {
  captions: [{ text: 'dog', logProbability: -0.5, probability: 0.6, words: [word], truncated: false }],
  model: { name: 'everyday', hash: 'abc' },
  timings: { decode: 1, preprocess: 0, encode: 2, search: 3, total: 6 },
  width: 451,
  height: 300,
  format: 'png',
};
const TRACED = { parent: null, step: 0, word: '<S>', logProbability: 0, total: 0, fate: 'alive' };
const EXPLANATION = {
  rows: 1,
  columns: 1,
  area: { left: 0, top: 0, width: 1, height: 1 },
  words: [{ word: 'dog', importance: [-0.25] }],
};
const WHOLE = { ...RESULT, confidence: 0.5, needsReview: false, trace: [TRACED], explanation: EXPLANATION };

describe('a result', () => {
  test('is taken with what has to be asked for and without', () => {
    for (const result of [RESULT, WHOLE]) assert.deepEqual(captionResultSchema.parse(result), result);
    for (const more of [{ fate: 'complete', caption: 0 }, { fate: 'dropped' }]) {
      const traced = { ...TRACED, parent: 0, ...more };
      assert.deepEqual(captionResultSchema.parse({ ...RESULT, trace: [traced] }).trace, [traced]);
    }
  });

  test('has the stages in their order', () => {
    assert.deepEqual(STAGES, ['decode', 'preprocess', 'encode', 'search', 'total']);
  });

  const caption = (change: object) => ({ ...RESULT, captions: [{ ...RESULT.captions[0], ...change }] });
  const traced = (change: object) => ({ ...RESULT, trace: [{ ...TRACED, ...change }] });
  const explained = (change: object) => ({ ...RESULT, explanation: { ...EXPLANATION, ...change } });
  const REFUSED: [where: string, result: object][] = [
    ['captions.0.text', caption({ text: 1 })],
    ['captions.0.logProbability', caption({ logProbability: 0.1 })],
    ['captions.0.probability', caption({ probability: 1.1 })],
    ['captions.0.probability', caption({ probability: -0.1 })],
    ['captions.0.words.0.logProbability', caption({ words: [{ ...word, logProbability: 1 }] })],
    ['captions.0.words.0.word', caption({ words: [{ logProbability: -1 }] })],
    ['captions.0.truncated', caption({ truncated: undefined })],
    ['model.hash', { ...RESULT, model: { name: 'everyday' } }],
    ['model.name', { ...RESULT, model: { hash: 'abc' } }],
    ...STAGES.map((stage): [string, object] => [
      `timings.${stage}`,
      { ...RESULT, timings: { ...RESULT.timings, [stage]: -1 } },
    ]),
    ['width', { ...RESULT, width: 0 }],
    ['height', { ...RESULT, height: 0.5 }],
    ['format', { ...RESULT, format: undefined }],
    ['confidence', { ...RESULT, confidence: 1.1 }],
    ['confidence', { ...RESULT, confidence: -0.1 }],
    ['needsReview', { ...RESULT, needsReview: 0 }],
    ['trace.0.parent', traced({ parent: -1 })],
    ['trace.0.parent', traced({ parent: undefined })],
    ['trace.0.step', traced({ step: -1 })],
    ['trace.0.word', traced({ word: undefined })],
    ['trace.0.total', traced({ total: 0.1 })],
    ['trace.0.logProbability', traced({ logProbability: 0.1 })],
    ['trace.0.fate', traced({ fate: 'lost' })],
    ['trace.0.caption', traced({ caption: -1 })],
    ['explanation.rows', explained({ rows: 0 })],
    ['explanation.columns', explained({ columns: 0 })],
    ['explanation.area.left', explained({ area: { ...EXPLANATION.area, left: -0.1 } })],
    ['explanation.area.width', explained({ area: { ...EXPLANATION.area, width: 1.1 } })],
    ['explanation.area.height', explained({ area: { left: 0, top: 0, width: 1 } })],
    ['explanation.area.top', explained({ area: { left: 0, width: 1, height: 1 } })],
    ['explanation.words.0.importance.0', explained({ words: [{ word: 'dog', importance: [null] }] })],
    ['explanation.words.0.word', explained({ words: [{ importance: [] }] })],
  ];
  for (const [where, result] of REFUSED) {
    test(`is refused for its ${where}`, () => {
      const { issues } = captionResultSchema.safeParse(result).error!;
      assert.deepEqual(
        issues.map(({ path }) => path.join('.')),
        [where],
      );
    });
  }
});

interface JsonSchema {
  $defs?: Record<string, JsonSchema>;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  description?: string;
  example?: unknown;
}

describe('what readers are told of a result', () => {
  const { $defs: named } = z.toJSONSchema(
    z.object({ result: captionResultSchema, outcome: outcomeSchema }),
  ) as {
    $defs: Record<string, JsonSchema>;
  };
  const told = (id: string) =>
    Object.entries(named[id]!.properties!)
      .filter(([, { description = '' }]) => /\w/.test(description))
      .map(([name]) => name);

  test('names each part', () => {
    assert.deepEqual(Object.keys(named).sort(), [
      'Caption',
      'CaptionResult',
      'CaptionWord',
      'CaptionedOutcome',
      'Explanation',
      'ExplanationArea',
      'FailedOutcome',
      'ModelName',
      'Outcome',
      'RecordedFailure',
      'RecordedResult',
      'Timings',
      'TraceNode',
      'WordImportance',
    ]);
  });

  test('explains what a name alone does not say', () => {
    assert.deepEqual(told('Caption'), ['text', 'logProbability', 'probability', 'score', 'truncated']);
    assert.deepEqual(told('TraceNode'), [
      'parent',
      'step',
      'word',
      'continues',
      'logProbability',
      'total',
      'caption',
    ]);
    assert.deepEqual(told('Explanation'), ['rows', 'columns', 'words']);
    assert.deepEqual(told('WordImportance'), ['importance']);
    assert.deepEqual(told('CaptionResult'), [
      'captions',
      'width',
      'format',
      'confidence',
      'needsReview',
      'trace',
    ]);
    for (const id of ['Timings', 'TraceNode', 'Explanation', 'ExplanationArea'])
      assert.match(named[id]!.description!, /\w/, id);
  });

  test('has examples that are such results', () => {
    const example = (schema: JsonSchema) => schema.example as object;
    const result = {
      ...RESULT,
      captions: [example(named.Caption!)],
      model: example(named.ModelName!),
      timings: example(named.Timings!),
    };
    assert.deepEqual(captionResultSchema.parse(result), result);
    const { text, words, logProbability, probability } = result.captions[0] as {
      text: string;
      words: { word: string; logProbability: number }[];
      logProbability: number;
      probability: number;
    };
    assert.equal(text, words.map((said) => said.word).join(' '));
    assert.ok(Math.abs(Math.exp(logProbability) - probability) < 1e-3);
    assert.ok(words.reduce((sum, said) => sum + said.logProbability, 0) >= logProbability);
    const { decode, preprocess, encode, search, total } = result.timings as typeof RESULT.timings;
    assert.ok(Math.abs(decode + preprocess + encode + search - total) < 0.5);
    assert.match(modelNameSchema.parse(result.model).hash, /^[0-9a-f]{64}$/);
    const examples = ['text', 'width', 'height', 'format', 'confidence', 'needsReview'].map((name) =>
      [named.Caption!, named.CaptionResult!]
        .map(({ properties }) => properties![name]?.example)
        .find((e) => e !== undefined),
    );
    assert.deepEqual(
      examples.map((e) => typeof e),
      ['string', 'number', 'number', 'string', 'number', 'boolean'],
    );
  });
});

describe('what is recorded of an image', () => {
  test('is its captions, without what has to be asked for, or its own failure', () => {
    const { trace: _trace, explanation: _explanation, ...recorded } = WHOLE;
    assert.deepEqual(outcomeSchema.parse({ status: 'captioned', result: WHOLE }), {
      status: 'captioned',
      result: recorded,
    });
    for (const code of ['UnsupportedImage', 'ImageTooLarge', 'ImageNotFound']) {
      const failed = { status: 'failed', error: { code, message: 'so' } };
      assert.deepEqual(outcomeSchema.parse(failed), failed);
    }
  });

  test('is nothing else', () => {
    for (const outcome of [
      {},
      { status: 'pending' },
      { status: 'captioned' },
      { status: 'failed', error: { code: 'Overloaded', message: 'so' } },
      { status: 'failed', error: { code: 'ImageNotFound' } },
      { status: 'failed', result: RESULT },
    ])
      assert.ok(!outcomeSchema.safeParse(outcome).success, JSON.stringify(outcome));
  });
});
