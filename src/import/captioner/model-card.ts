/** What a bundle of somebody else's captioner tells people: what its export says, and what nobody has said. */
import type { CaptionerManifest } from '../../model/manifest.ts';

type Told = Pick<
  CaptionerManifest,
  'name' | 'architecture' | 'precision' | 'license' | 'provenance' | 'image' | 'decoding' | 'tokens'
>;

interface Origin {
  /** `owner/name` on the hub. */
  id: string;
  /** Commit. */
  revision: string;
  baseModels: readonly string[];
}

/** @returns Markdown */
export function modelCard(
  { name, architecture, precision, license, provenance, image, decoding, tokens }: Told,
  origin: Origin | undefined,
): string {
  const source = origin
    ? `[${origin.id}](https://huggingface.co/${origin.id}) at revision \`${origin.revision}\``
    : (provenance[0]?.source ?? 'a directory');
  const bases = origin?.baseModels.length ? `Made of ${origin.baseModels.join(', ')}, says its card.` : '';
  const files = provenance.map(({ what, sha256 }) => `| ${what} | \`${sha256 ?? ''}\` |`);
  return `# ${name}: ${architecture}

A captioner of others, imported from ${source}; ${precision}, images of ${image.width} x ${image.height}, ${tokens.logits} pieces of words.

## Data and licence

- Licence: ${license}.
- ${bases || 'What it was made of, its files do not say.'}
- What it was trained on stands, if anywhere, in the card of ${source}. Nobody checked that here.

## Recipe

\`show-and-tell import\` rewrote the graphs of the export; no weight was trained or changed.

| file | SHA-256 |
|---|---|
${files.join('\n')}

It searches with ${decoding.beamWidth} beams, at most ${decoding.maxLength} pieces and length normalisation ${decoding.lengthNormalization}, as its configuration says.

## Metrics

None were measured. \`show-and-tell evaluate --model DIR --images IMAGES --captions FILE --save\` measures them on photographs of yours, and fits
a confidence, which this bundle has none of until then.

## Limits and biases

Nobody has said them here. A captioner names what its photographs showed, guesses gender and age from appearance, and describes
things that are not there with the same confidence; look at its captions of your own photographs before you rely on it.
`;
}
