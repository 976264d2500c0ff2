/**
 * Captions of photographs, on this machine.
 *
 * ```ts
 * import { loadCaptioner } from 'show-and-tell';
 *
 * await using captioner = await loadCaptioner();
 * const { captions } = await captioner.caption('photo.jpg');
 * console.log(captions[0]?.text);
 * ```
 * @packageDocumentation
 */
export { altText } from './alt/alt-text.ts';
export type { Caption, CaptionResult, Timings, TraceNode } from './caption/captioner.ts';
export type { Explanation } from './caption/explain.ts';
export type { ImageArea } from './caption/preprocess.ts';
export type { TracedWord } from './caption/trace.ts';
export type { ErrorCode, Fault, ModelProblem } from './errors.ts';
export {
  CaptionError,
  ImageNotFound,
  ImageTooLarge,
  InvalidRequest,
  ModelUnusable,
  Overloaded,
  UnsupportedImage,
} from './errors.ts';
export type { Captioner } from './library/captioner.ts';
export type { DecodingOptions } from './library/decoding-options.ts';
export type { ImageSource } from './library/image-source.ts';
export {
  type CaptionerPool,
  createPool,
  type LoadOptions,
  loadCaptioner,
  type PoolOptions,
} from './library/load-captioner.ts';
export type { CaptionRequest } from './library/request.ts';
export type { ExecutionProvider } from './model/execution-provider.ts';
