import type { CaptionOptionsInput } from '../caption/options.ts';
import type { CaptionResult } from '../caption/result.ts';
import { type ConfidenceReport, confidenceTable, fitConfidence } from './confidence-fit.ts';
import { type CaptionSample, type ImageScores, scoreCaptions } from './score.ts';

/** Images shown at each end of a ranking. */
const SHOWN = 10;

/** One image with what people wrote and what the model said. */
export interface CaptionedImage {
  image: string;
  references: string[];
  result: CaptionResult;
}

interface Setting {
  split: string;
  model: { name: string; hash: string };
  options: CaptionOptionsInput;
}

interface ImageReport extends ImageScores {
  caption: string;
  /** Of the caption, natural log. */
  logProbability: number;
  /** Milliseconds. */
  total: number;
}

export interface EvaluationReport {
  model: Setting['model'];
  /** Where they differ from the model's own. */
  options: CaptionOptionsInput;
  /** As the manifest keeps them: percent. */
  metrics: Record<'bleu1' | 'bleu2' | 'bleu3' | 'bleu4' | 'rougeL' | 'ciderD', number> & {
    split: string;
    images: number;
  };
  /** Milliseconds an image. */
  timings: { median: number; p95: number };
  /** Left out where the images are too few to calibrate on. */
  confidence?: ConfidenceReport;
  perImage: ImageReport[];
}

/** Scores the best caption of each image; `captioned` must not be empty. */
export function buildReport(
  captioned: readonly CaptionedImage[],
  { split, model, options }: Setting,
): EvaluationReport {
  const samples = captioned.map(
    ({ image, references, result }): CaptionSample => ({
      image,
      references,
      candidate: result.captions[0]?.text ?? '',
    }),
  );
  const { perImage, ...corpus } = scoreCaptions(samples);
  const times = captioned.map(({ result }) => result.timings.total).sort((a, b) => a - b);
  const confidence = fitConfidence(
    captioned.map(({ result }) => result.captions[0]!),
    perImage.map((scores) => scores.ciderD),
  );
  return {
    model,
    options,
    ...(confidence !== null && { confidence }),
    metrics: {
      split,
      images: captioned.length,
      bleu1: percent(corpus.bleu1),
      bleu2: percent(corpus.bleu2),
      bleu3: percent(corpus.bleu3),
      bleu4: percent(corpus.bleu4),
      rougeL: percent(corpus.rougeL),
      ciderD: percent(corpus.ciderD),
    },
    timings: { median: quantile(times, 0.5), p95: quantile(times, 0.95) },
    perImage: perImage.map((scores, i) => ({
      ...scores,
      caption: samples[i]!.candidate,
      logProbability: captioned[i]!.result.captions[0]?.logProbability ?? 0,
      total: captioned[i]!.result.timings.total,
    })),
  };
}

/** Two decimals, as papers print scores. */
function percent(fraction: number): number {
  return Math.round(fraction * 10_000) / 100;
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

/** The report as a person reads it. */
export function reportTable({ model, metrics, timings, confidence, perImage }: EvaluationReport): string {
  const scores = [
    ['BLEU-1', metrics.bleu1],
    ['BLEU-2', metrics.bleu2],
    ['BLEU-3', metrics.bleu3],
    ['BLEU-4', metrics.bleu4],
    ['ROUGE-L', metrics.rougeL],
    ['CIDEr-D', metrics.ciderD],
  ] as const;
  const byCider = perImage.toSorted((a, b) => b.ciderD - a.ciderD);
  const bySpeed = perImage.toSorted((a, b) => b.total - a.total);
  return [
    `${model.name} ${model.hash.slice(0, 12)}, split ${metrics.split}, ${metrics.images} images`,
    ...scores.map(([name, value]) => `  ${name.padEnd(8)} ${value.toFixed(2).padStart(6)}`),
    `Milliseconds an image: median ${timings.median.toFixed(1)}, 95th percentile ${timings.p95.toFixed(1)}`,
    ...(confidence === undefined ? [] : confidenceTable(confidence)),
    ...section('Best by CIDEr-D', byCider.slice(0, SHOWN), (i) => percent(i.ciderD).toFixed(1)),
    ...section('Worst by CIDEr-D', byCider.slice(-SHOWN).reverse(), (i) => percent(i.ciderD).toFixed(1)),
    ...section('Slowest (ms)', bySpeed.slice(0, SHOWN), (i) => i.total.toFixed(1)),
    '',
  ].join('\n');
}

function section(
  title: string,
  images: readonly ImageReport[],
  value: (image: ImageReport) => string,
): string[] {
  return ['', title, ...images.map((i) => `  ${value(i).padStart(6)}  ${i.image}  ${i.caption}`)];
}
