/** What Lambda unpacks into its task root, the same for all functions: handlers, packages, model. */
import { cpSync, globSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkBundle, readBundle } from '../../src/model/bundle.ts';
import type { FunctionName, Settings } from '../settings.ts';
import { packFunction } from './pack-functions.ts';
import { makeReadable } from './readable.ts';
import { ROOT, stageNative } from './stage-native.ts';

/** Of all files unpacked, in bytes. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const LARGEST_ZIP_FUNCTION = 262_144_000;
/** Name of the bundle's directory beside the handlers; functions start in the directory that holds it. */
export const MODEL_DIRECTORY = 'model';

const FUNCTIONS = ['http', 'queue', 'workflow', 'summary'] as const satisfies readonly FunctionName[];

/** Writes the handlers and the packages with machine code into a directory, readable for all: all but the model. */
export async function assembleCode(architecture: Settings['architecture'], to: string): Promise<void> {
  cpSync(stageNative(architecture), join(to, 'node_modules'), { recursive: true });
  for (const name of FUNCTIONS) await packFunction(name, to);
  makeReadable(to);
}

/** What a bundle has that only people and the tests read. */
const NOT_RUN = /\/(README\.md|parity\.json)$/;

/**
 * Writes it all into a directory.
 * @param to emptied before
 * @returns bytes of all files
 * @throws ModelUnusable, and Error when Lambda would not take so many bytes
 */
export async function assembleFunctions(
  settings: Pick<Settings, 'architecture' | 'modelDirectory'>,
  to: string,
): Promise<number> {
  const model = resolve(ROOT, settings.modelDirectory);
  // Here it costs a moment; deployed, it would fail every cold start.
  await checkBundle(model);
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  await assembleCode(settings.architecture, to);
  cpSync(model, join(to, MODEL_DIRECTORY), { recursive: true, filter: (path) => !NOT_RUN.test(path) });
  makeReadable(to);
  const bytes = bytesOf(to);
  if (bytes > LARGEST_ZIP_FUNCTION) {
    throw new Error(
      `${settings.modelDirectory}: the functions have ${bytes} bytes with it, Lambda takes ${LARGEST_ZIP_FUNCTION}; ` +
        "set packaging to 'container'",
    );
  }
  return bytes;
}

/**
 * Refuses a bundle that servers on GPU machines would run in part: of an INT8 graph CUDA leaves parts to the processor.
 * Deployed, every server would end as soon as it starts.
 * @throws ModelUnusable for one that is damaged, Error
 */
export async function checkForGpu(modelDirectory: string): Promise<void> {
  const { manifest } = await readBundle(resolve(ROOT, modelDirectory));
  if (manifest.precision !== 'int8') return;
  throw new Error(
    `${modelDirectory}: its precision is ${manifest.precision}, and GPU machines take fp32 or fp16; set modelDirectory to such a bundle ` +
      "(npx show-and-tell import makes one of im2txt weights), with packaging 'container' if it is too large for a zip, or leave out gpu",
  );
}

export function bytesOf(directory: string): number {
  return globSync('**/*', { cwd: directory }).reduce((sum, path) => {
    const file = statSync(join(directory, path));
    return file.isFile() ? sum + file.size : sum;
  }, 0);
}
