/** What a folder has of an export, by the names in it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceError } from '../../errors.ts';
import { graphsIn } from './choose-files.ts';

/** Weights of other frameworks that stand beside a config.json. */
const OTHER_WEIGHTS = /^(pytorch_model|model|flax_model).*\.(bin|safetensors|msgpack)$/;

/** Whole or not; also one that has to be exported yet. */
export async function holdsExport(directory: string): Promise<boolean> {
  const names = await namesIn(directory);
  if (graphsIn(names).length > 0) return true;
  return names.includes('config.json') && names.some((name) => OTHER_WEIGHTS.test(name));
}

/** @throws SourceUnsupported */
export async function requireGraphs(directory: string): Promise<void> {
  if (graphsIn(await namesIn(directory)).length > 0) return;
  throw noGraphs(directory);
}

/** Optimum asks the hub what a model is for; of a folder it has to be told. */
const TASK = '--task image-to-text-with-past';
/** It exports these only without a cache. */
const FOR_BERT = ' Where the decoder is a BERT or RoBERTa, the task is image-to-text.';

/** @param id of the hub; without it `file` is a folder */
export function noGraphs(file: string, id?: string): SourceError {
  const [model, also] = id === undefined ? [`${file} ${TASK}`, FOR_BERT] : [id, ''];
  return new SourceError('SourceUnsupported', {
    file,
    expected: 'ONNX files, at the top or in onnx/',
    actual: 'none',
    remedy: `Make them (pip install "optimum-onnx[onnxruntime]"; optimum-cli export onnx --model ${model} exported) and import that folder.${also}`,
  });
}

async function namesIn(directory: string): Promise<string[]> {
  const [top, inOnnx] = await Promise.all(
    [directory, join(directory, 'onnx')].map((folder) => readdir(folder).catch((): string[] => [])),
  );
  return [...top!, ...inOnnx!.map((name) => `onnx/${name}`)];
}
