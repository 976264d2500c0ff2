/** What encoders that read a text are asked. */
import { join } from 'node:path';
import type { Tokenizer } from '../../caption/vocabulary/pieces.ts';
import { SourceError } from '../../errors.ts';
import { readJson } from './export-files.ts';
import type { ExportSettings } from './export-settings.ts';

/** How much is said of an image. */
export type CaptionerTask = 'caption' | 'detailed' | 'more-detailed';

const TOKENS: Record<CaptionerTask, string> = {
  caption: '<CAPTION>',
  detailed: '<DETAILED_CAPTION>',
  'more-detailed': '<MORE_DETAILED_CAPTION>',
};

/** Florence-2's own, where its processor's file does not say others. */
const PROMPTS: Record<CaptionerTask, string> = {
  caption: 'What does the image describe?',
  detailed: 'Describe in detail what is shown in the image.',
  'more-detailed': 'Describe with a paragraph what is shown in the image.',
};

/** Of an image processor's file, which has them beside what it does to pixels. */
const PROMPT_KEYS = /^tasks?_(prompts|answer)/;

/** The file of an image processor without what is asked of images. */
export function withoutPrompts(text: string): string {
  if (!text.includes('task')) return text;
  try {
    return JSON.stringify(JSON.parse(text), (key, value) => (PROMPT_KEYS.test(key) ? undefined : value));
  } catch {
    // Whoever reads it says what is wrong.
    return text;
  }
}

/** @throws SourceError */
export async function promptIds(of: {
  directory: string;
  tokenizer: Tokenizer;
  asked: ExportSettings;
  task: CaptionerTask;
}): Promise<number[]> {
  const { directory, tokenizer, asked, task } = of;
  const file = join(directory, 'preprocessor_config.json');
  const { task_prompts_without_inputs: own } = (await readJson(file)) as {
    task_prompts_without_inputs?: Record<string, unknown>;
  };
  const text = own?.[TOKENS[task]] ?? PROMPTS[task];
  if (typeof text !== 'string') {
    throw new SourceError('SourceUnsupported', {
      file,
      expected: `a text for ${TOKENS[task]}`,
      actual: JSON.stringify(text),
    });
  }
  const { first, last } = asked.promptEnds;
  return [...first, ...tokenizer.encode(text), ...last];
}
