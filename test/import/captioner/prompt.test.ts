import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Tokenizer } from '../../../src/caption/vocabulary/pieces.ts';
import type { ExportSettings } from '../../../src/import/captioner/export-settings.ts';
import { type CaptionerTask, promptIds, withoutPrompts } from '../../../src/import/captioner/prompt.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const { make, dispose } = temporaryDirectory();
after(dispose);
let folders = 0;

/** What is asked, as a text between the ends: a letter is its code. */
async function asked(task: CaptionerTask, processor: object): Promise<string> {
  const directory = make(`prompt-${++folders}`);
  writeFileSync(join(directory, 'preprocessor_config.json'), JSON.stringify(processor));
  const tokenizer = { encode: (text: string) => [...text].map((c) => c.charCodeAt(0)) } as Tokenizer;
  const settings = { promptEnds: { first: [60], last: [62] } } as ExportSettings;
  return String.fromCharCode(...(await promptIds({ directory, tokenizer, asked: settings, task })));
}

test('an image is asked what the file of the processor says, and else what Florence-2 is asked', async () => {
  // processing_florence2.py
  assert.equal(await asked('caption', {}), '<What does the image describe?>');
  assert.equal(await asked('detailed', {}), '<Describe in detail what is shown in the image.>');
  assert.equal(await asked('more-detailed', {}), '<Describe with a paragraph what is shown in the image.>');
  const own = { '<CAPTION>': 'a', '<DETAILED_CAPTION>': 'b', '<MORE_DETAILED_CAPTION>': 'c' };
  for (const [task, text] of [
    ['caption', '<a>'],
    ['detailed', '<b>'],
    ['more-detailed', '<c>'],
  ] as const) {
    assert.equal(await asked(task, { task_prompts_without_inputs: own }), text);
    assert.notEqual(await asked(task, { task_prompts_without_inputs: { '<OD>': 'd' } }), text);
  }
});

test('a question that is no text is refused', async () => {
  await assert.rejects(asked('detailed', { task_prompts_without_inputs: { '<DETAILED_CAPTION>': 7 } }), {
    code: 'SourceUnsupported',
    message: /preprocessor_config\.json.*<DETAILED_CAPTION>, found 7/,
  });
});

test('what an image is asked is no setting of its pixels', () => {
  const file = {
    size: 7,
    task_prompts_without_inputs: { a: 'b' },
    task_prompts_with_input: {},
    tasks_answer_post_processing_type: {},
    multitask: true,
  };
  assert.deepEqual(JSON.parse(withoutPrompts(JSON.stringify(file))), { size: 7, multitask: true });
  for (const text of ['{"size":  7}', '{"task": ']) assert.equal(withoutPrompts(text), text);
});
