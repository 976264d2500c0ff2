/** One program that captions, in a process of its own: answers each photograph that it is sent, one after the other. */
import { readFile } from 'node:fs/promises';
import { loadCaptioner } from '../../src/model/load.ts';

export type EngineOptions =
  | { engine: 'here'; directory: string; beamWidth: number }
  | { engine: 'transformers.js'; library: string; models: string; name: string; precision: string };

export interface Answer {
  milliseconds: number;
  text: string;
}

const options = JSON.parse(process.argv[2]!) as EngineOptions;
const caption = options.engine === 'here' ? await here(options) : await transformersJs(options);
process.on('message', async (photograph: string) => {
  const start = performance.now();
  const text = await caption(photograph);
  process.send!({ milliseconds: performance.now() - start, text } satisfies Answer);
});
process.send!({ milliseconds: 0, text: '' } satisfies Answer);

async function here({ directory, beamWidth }: { directory: string; beamWidth: number }) {
  const captioner = await loadCaptioner(directory);
  await captioner.ready;
  const plan = captioner.plan({ beamWidth });
  return async (photograph: string) => {
    const { captions } = await captioner.caption(await readFile(photograph), plan);
    return captions[0]!.text;
  };
}

async function transformersJs({
  library,
  models,
  name,
  precision,
}: {
  library: string;
  models: string;
  name: string;
  precision: string;
}) {
  const { pipeline, env } = await import(library);
  Object.assign(env, { allowRemoteModels: false, localModelPath: models });
  const describe = await pipeline('image-to-text', name, { dtype: precision });
  return async (photograph: string) => {
    const [{ generated_text }] = (await describe(photograph)) as [{ generated_text: string }];
    return generated_text;
  };
}
