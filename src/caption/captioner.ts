import {
  type CaptionCall,
  type Described,
  type DescribeJob,
  type DescriberParts,
  describeImages,
} from './describe.ts';
import type { CaptionOptionsInput } from './options.ts';
import { type CaptionPlan, type PlannedModel, planCaptions } from './plan.ts';
import type { DecodeImage } from './ports.ts';
import { readImage } from './read-image.ts';
import type { CaptionResult } from './result.ts';

/** A loaded model as the core uses it. */
export interface CaptionerParts extends Omit<PlannedModel, 'calibrated'>, DescriberParts {
  decode: DecodeImage;
}

export interface Captioner {
  readonly model: { name: string; hash: string };
  /**
   * Checks options against this model, before any image is read.
   * @param beside what else is asked for of the images
   * @throws InvalidRequest naming what is out of bounds, or what the model cannot say
   */
  plan(options?: CaptionOptionsInput, beside?: Pick<CaptionCall, 'explain'>): CaptionPlan;
  /**
   * Captions one image file.
   * @param plan of this model @default the model's own options
   * @throws UnsupportedImage, ImageTooLarge, ModelUnusable; DeadlineExceeded, Overloaded; InvalidRequest when the longest
   * caption allowed has no room for the words that it must say
   */
  caption(bytes: Uint8Array, plan?: CaptionPlan, call?: CaptionCall): Promise<CaptionResult>;
  /**
   * Captions several image files in shared encoder and decoder runs; fails as a whole when one cannot be read.
   * @throws as `caption` does
   */
  captionAll(files: readonly Uint8Array[], plan?: CaptionPlan, call?: CaptionCall): Promise<CaptionResult[]>;
  /**
   * Results of images that were read, in their order, in shared runs.
   * @throws what fails in a network; what one image fails for is its own
   */
  describe(jobs: readonly DescribeJob[]): Promise<Described[]>;
}

export function createCaptioner(parts: CaptionerParts): Captioner {
  const model: PlannedModel = { ...parts, calibrated: parts.calibration.confidence !== undefined };
  const plan: Captioner['plan'] = (options = {}, beside) => planCaptions(options, model, beside);
  const describe: Captioner['describe'] = (jobs) => describeImages(jobs, parts);
  const captionAll: Captioner['captionAll'] = async (files, asked, call = {}) => {
    const planned = asked ?? plan({}, call);
    if (files.length === 0) return [];
    const images = await Promise.all(files.map((bytes) => readImage(bytes, parts, call)));
    const described = await describe(images.map((image) => ({ image, plan: planned, call })));
    return described.map((one) => {
      if ('error' in one) throw one.error;
      return one.result;
    });
  };
  return {
    model: parts.model,
    plan,
    describe,
    captionAll,
    caption: async (bytes, asked, call) => (await captionAll([bytes], asked, call))[0]!,
  };
}
