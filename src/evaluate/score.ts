import { bleu } from './bleu.ts';
import { ciderD } from './cider.ts';
import { rougeL } from './rouge.ts';
import { tokenize } from './tokenize.ts';

/** One image: the caption to judge and what people wrote, as plain sentences. */
export interface CaptionSample {
  readonly image: string;
  /** May be empty, which scores 0. */
  readonly candidate: string;
  /** At least one. */
  readonly references: readonly string[];
}

/** BLEU and ROUGE-L are fractions 0…1, CIDEr-D is 0…10. Papers print all of them times 100. */
export interface CaptionScores {
  readonly bleu1: number;
  readonly bleu2: number;
  readonly bleu3: number;
  readonly bleu4: number;
  readonly rougeL: number;
  readonly ciderD: number;
  /** In the order of the samples. */
  readonly perImage: readonly ImageScores[];
}

export interface ImageScores {
  readonly image: string;
  readonly bleu4: number;
  readonly rougeL: number;
  readonly ciderD: number;
}

/**
 * Judges captions as pycocoevalcap 1.2 does: BLEU over the corpus, ROUGE-L and CIDEr-D as means over the images.
 * CIDEr-D takes its n-gram weights from the references given here: compare it only over the same images, and expect
 * 0 for a single image, where every n-gram is in every image.
 * @throws RangeError without samples, or for an image without references
 */
export function scoreCaptions(samples: readonly CaptionSample[]): CaptionScores {
  if (samples.length === 0) throw new RangeError('no captions to score');
  const tokenized = samples.map(({ image, candidate, references }) => {
    if (references.length === 0) throw new RangeError(`no reference captions for image "${image}"`);
    return { candidate: tokenize(candidate), references: references.map(tokenize) };
  });
  const bleuScores = bleu(tokenized);
  const rouge = rougeL(tokenized);
  const cider = ciderD(tokenized);
  const [bleu1, bleu2, bleu3, bleu4] = bleuScores.corpus;
  const perImage = samples.map(({ image }, index) => ({
    image,
    bleu4: bleuScores.perImage[index]![3],
    rougeL: rouge.perImage[index]!,
    ciderD: cider.perImage[index]!,
  }));
  return { bleu1, bleu2, bleu3, bleu4, rougeL: rouge.mean, ciderD: cider.mean, perImage };
}
