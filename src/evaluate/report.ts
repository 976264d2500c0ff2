import type { CaptionOptionsInput } from '../caption/options.ts';
import type { CaptionResult } from '../caption/result.ts';
import { type ConfidenceReport, fitConfidence } from './confidence-fit.ts';
import { confidenceTable } from './confidence-report.ts';
import { type CaptionSample, type ImageScores, scoreCaptions } from './score.ts';

/** Images shown at each end of a ranking. */
const SHOWN = 10;

/** One image with what people wrote and what the model said. */
export interface CaptionedImage {
  /** `null`: no photograph. */
  set: string | null;
  image: string;
  references: string[];
  /** With its `features`. */
  result: CaptionResult;
}

/** One labelled set. */
interface NamedSplit {
  name: string;
  split: string;
}

interface Setting {
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

export interface SetReport {
  /** As the manifest keeps them: percent. */
  metrics: Record<'bleu1' | 'bleu2' | 'bleu3' | 'bleu4' | 'rougeL' | 'ciderD', number> & {
    split: string;
    images: number;
  };
  /** Milliseconds an image. */
  timings: { median: number; p95: number };
  perImage: ImageReport[];
}

/** Of one set its report is part of this; of several each stands in `sets` under its name. */
export interface EvaluationReport extends Partial<SetReport> {
  model: Setting['model'];
  /** Where they differ from the model's own. */
  options: CaptionOptionsInput;
  sets?: Record<string, SetReport>;
  /** Left out where the images are too few to calibrate on. */
  confidence?: ConfidenceReport;
}

/** Scores the best caption of each image; of each set `captioned` must have one. */
export function buildReport(
  captioned: readonly CaptionedImage[],
  sets: readonly NamedSplit[],
  { model, options }: Setting,
): EvaluationReport {
  const reports = sets.map(({ name, split }): [string, SetReport] => [
    name,
    setReport(
      captioned.filter(({ set }) => set === name),
      split,
    ),
  ]);
  const featuresOf = (name: string | null) =>
    captioned.filter(({ set }) => set === name).map(({ result }) => result.features!);
  const confidence = fitConfidence(
    reports.map(([name, { perImage }]) => ({
      name,
      features: featuresOf(name),
      ciderD: perImage.map((scores) => scores.ciderD),
    })),
    featuresOf(null),
  );
  return {
    model,
    options,
    ...(reports.length === 1 ? reports[0]![1] : { sets: Object.fromEntries(reports) }),
    ...(confidence !== null && { confidence }),
  };
}

function setReport(captioned: readonly CaptionedImage[], split: string): SetReport {
  const samples = captioned.map(
    ({ image, references, result }): CaptionSample => ({
      image,
      references,
      candidate: result.captions[0]?.text ?? '',
    }),
  );
  const { perImage, ...corpus } = scoreCaptions(samples);
  const times = captioned.map(({ result }) => result.timings.total).sort((a, b) => a - b);
  return {
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
export function reportTable({ model, sets, confidence, ...single }: EvaluationReport): string {
  const reports = sets === undefined ? [['', single as SetReport] as const] : Object.entries(sets);
  return [
    ...reports.flatMap(([name, report], i) => [
      ...(i > 0 ? [''] : []),
      `${model.name} ${model.hash.slice(0, 12)}, ${name && `set ${name}, `}split ${report.metrics.split}, ${report.metrics.images} images`,
      ...scoreLines(report),
    ]),
    ...(confidence === undefined ? [] : confidenceTable(confidence)),
    ...reports.flatMap(([name, { perImage }]) => rankings(name && `, set ${name}`, perImage)),
    '',
  ].join('\n');
}

function scoreLines({ metrics, timings }: SetReport): string[] {
  const scores = [
    ['BLEU-1', metrics.bleu1],
    ['BLEU-2', metrics.bleu2],
    ['BLEU-3', metrics.bleu3],
    ['BLEU-4', metrics.bleu4],
    ['ROUGE-L', metrics.rougeL],
    ['CIDEr-D', metrics.ciderD],
  ] as const;
  return [
    ...scores.map(([name, value]) => `  ${name.padEnd(8)} ${value.toFixed(2).padStart(6)}`),
    `Milliseconds an image: median ${timings.median.toFixed(1)}, 95th percentile ${timings.p95.toFixed(1)}`,
  ];
}

function rankings(of: string, perImage: readonly ImageReport[]): string[] {
  const byCider = perImage.toSorted((a, b) => b.ciderD - a.ciderD);
  const bySpeed = perImage.toSorted((a, b) => b.total - a.total);
  const ciderOf = (i: ImageReport) => percent(i.ciderD).toFixed(1);
  return [
    ...section(`Best by CIDEr-D${of}`, byCider.slice(0, SHOWN), ciderOf),
    ...section(`Worst by CIDEr-D${of}`, byCider.slice(-SHOWN).reverse(), ciderOf),
    ...section(`Slowest (ms)${of}`, bySpeed.slice(0, SHOWN), (i) => i.total.toFixed(1)),
  ];
}

function section(
  title: string,
  images: readonly ImageReport[],
  value: (image: ImageReport) => string,
): string[] {
  return ['', title, ...images.map((i) => `  ${value(i).padStart(6)}  ${i.image}  ${i.caption}`)];
}
