/** An fp32 captioner with attention becomes an INT8 one: every product with a constant matrix, in steps of each row's own. */
import { readVerified } from '../model/bundle.ts';
import type { CaptionerManifest } from '../model/manifest.ts';
import { draftBundle } from '../model/write-bundle.ts';
import { captionsOf, compare } from './agreement.ts';
import { type BundleOf, int8Manifest, type QuantizedDraft, type QuantizeSettings } from './int8-bundle.ts';
import { quantizeProducts } from './quantize-products.ts';

/** The numbers between layers of attention have outliers, which one range for all images would cut off or drown the rest for. */
export async function quantizeCaptioner(
  { directory, manifest, hash }: BundleOf<CaptionerManifest>,
  { images, out, name, onProgress }: QuantizeSettings,
): Promise<QuantizedDraft> {
  let done = 0;
  const tick = () => onProgress(++done, 2 * images.length);
  const { files } = manifest;
  const expected = await captionsOf(directory, images, tick);
  const graph = async (role: 'encoder' | 'decoder') => {
    const { file, bytes } = await readVerified(directory, files[role]);
    return [quantizeProducts(file, bytes, 'bytes')];
  };
  const tokenizer = await readVerified(directory, files.tokenizer);
  const parts = {
    encoder: await graph('encoder'),
    decoder: await graph('decoder'),
    tokenizer: [tokenizer.bytes],
  };
  const draft = await draftBundle(out, parts, int8Manifest(manifest, hash, name));
  try {
    const found = await captionsOf(draft.directory, images, tick);
    return { draft, agreement: compare(expected, found, 'steps of each row, all convolutions in fp32') };
  } catch (error) {
    await draft.discard();
    throw error;
  }
}
