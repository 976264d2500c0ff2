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
export type { ImageArea } from './caption/preprocess.ts';
export type { ErrorCode, Fault, ModelProblem, RequestProblem } from './errors.ts';
export {
  CaptionError,
  CaptionerHung,
  DeadlineExceeded,
  ImageNotFound,
  ImageTooLarge,
  InvalidRequest,
  ModelUnusable,
  Overloaded,
  UnsupportedImage,
  UpstreamUnavailable,
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
export type { Caption, CaptionResult, Explanation, Timings, TraceNode } from './library/result.ts';
export type { ExecutionProvider } from './model/execution-provider.ts';
