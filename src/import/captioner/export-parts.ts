/** The graphs of an export, opened and put together as far as they are one: an encoder and its decoders. */
import { SourceError } from '../../errors.ts';
import { onnxruntime } from '../../model/native/native-parts.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { encodeModel } from '../../onnx/write.ts';
import { type ExportFiles, openGraph } from './export-files.ts';
import { branchOf, isMerged } from './graphs/branches.ts';
import { commonIrVersion, inputsOf } from './graphs/compose.ts';
import { promptedEncoder } from './graphs/prompted-encoder.ts';
import type { Decoders } from './graphs/step.ts';
import { withoutHalves } from './graphs/stored-weights.ts';

export interface ExportParts {
  encoder: OnnxModel;
  encoderFile: string;
  decoders: Decoders;
  precision: 'fp32' | 'fp16' | 'int8';
  /** Paths of what was read, from the export's directory. */
  paths: string[];
}

/** What the encoder of each kind begins with. */
export const FIRST_GRAPH = { plain: 'encoder_model', prompted: 'vision_encoder' } as const;

/**
 * @param prompt ids of what the encoder is asked; null: it is asked nothing
 * @throws SourceError
 */
export async function openParts(files: ExportFiles, prompt: readonly number[] | null): Promise<ExportParts> {
  const opened = new Map<string, OnnxModel>();
  const open = async (name: string): Promise<OnnxModel | null> => {
    const path = files.path(name);
    if (path === null) return null;
    const model = await openGraph(`${files.directory}/${path}`);
    opened.set(path, model);
    return model;
  };
  const required = async (name: string): Promise<OnnxModel> => {
    const model = await open(name);
    if (model) return model;
    throw new SourceError('SourceUnsupported', {
      file: files.directory,
      expected: `${name}.onnx`,
      actual: 'none',
    });
  };
  const embed = prompt === null ? null : await required('embed_tokens');
  const encoderFile = `${files.directory}/${files.path(prompt === null ? 'encoder_model' : 'vision_encoder')}`;
  const encoder =
    prompt === null
      ? await required('encoder_model')
      : promptedEncoder(
          {
            vision: await required('vision_encoder'),
            embed: embed!,
            encoder: await required('encoder_model'),
            file: encoderFile,
          },
          prompt,
        );
  const decoders = await decodersIn(files, open, embed);
  return {
    encoder,
    encoderFile,
    decoders,
    precision: precisionOf([...opened.values()]),
    paths: [...opened.keys()],
  };
}

async function decodersIn(
  { directory, path }: ExportFiles,
  open: (name: string) => Promise<OnnxModel | null>,
  embed: OnnxModel | null,
): Promise<Decoders> {
  const merged = await open('decoder_model_merged');
  if (merged) {
    const file = `${directory}/${path('decoder_model_merged')}`;
    if (!isMerged(merged)) return { next: null, whole: merged, embed, file };
    return { next: branchOf(merged, true), whole: branchOf(merged, false), embed, file };
  }
  const next = await open('decoder_with_past_model');
  const whole = await open('decoder_model');
  return { next, whole, embed, file: `${directory}/${path('decoder_model')}` };
}

function precisionOf(models: readonly OnnxModel[]): ExportParts['precision'] {
  const nodes = models.flatMap((model) => model.nodes);
  const quantized = nodes.some(({ op }) => /^(DynamicQuantize|Dequantize)|Integer$|NBits$/.test(op));
  if (quantized) return 'int8';
  const types = models.flatMap((model) => [...model.constants.values()].map(({ type }) => type));
  return types.includes('float16') ? 'fp16' : 'fp32';
}

function refuseFixed({ encoder, encoderFile: file }: Pick<ExportParts, 'encoder' | 'encoderFile'>): void {
  const images = inputsOf(encoder)[0]?.dims?.[0];
  if (typeof images !== 'number') return;
  throw new SourceError('SourceUnsupported', {
    file,
    expected: 'a graph for any number of images',
    actual: `one for ${images}`,
    remedy: 'Export it without --no-dynamic-axes.',
  });
}

/** What goes wrong is in the error: onnxruntime writes it to the terminal as well. */
const QUIET = { logSeverityLevel: 4 } as const;

/**
 * What the encoder makes of one image, found by running it.
 * @throws SourceError
 */
export async function measureEncoder(
  { encoder, encoderFile }: ExportParts,
  { width, height }: { width: number; height: number },
): Promise<{ regions: number; embeddingWidth: number }> {
  const { InferenceSession, Tensor } = onnxruntime();
  refuseFixed({ encoder, encoderFile });
  const refused = (actual: string, cause?: unknown) =>
    new SourceError(
      'SourceUnsupported',
      {
        file: encoderFile,
        expected: `an encoder of images of ${width} x ${height} that onnxruntime runs`,
        actual,
        remedy: 'Is preprocessor_config.json that of these graphs?',
      },
      { cause },
    );
  const irVersion = commonIrVersion([encoder], encoder.opsets[''] ?? 0);
  const runnable = { ...withoutHalves(encoder), irVersion };
  try {
    const session = await InferenceSession.create(encodeModel(runnable), QUIET);
    const [input] = session.inputNames as [string];
    const pixels = new Tensor('float32', new Float32Array(3 * width * height), [1, 3, height, width]);
    const out = await session.run({ [input]: pixels }, QUIET);
    await session.release();
    const { dims } = out.last_hidden_state ?? Object.values(out)[0]!;
    const [images, regions, embeddingWidth, ...others] = dims;
    if (images === 1 && regions && embeddingWidth && others.length === 0) return { regions, embeddingWidth };
    throw refused(`an output of ${dims.join(' x ')}`);
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    const said = String(cause instanceof Error ? cause.message : cause);
    throw refused(said.trim().replaceAll(/\s+/g, ' ').replace(/\.$/, ''), cause);
  }
}
