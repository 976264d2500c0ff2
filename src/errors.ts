/**
 * Every failure on purpose. One name each, used everywhere: class, `code`, `error.name`, Step Functions error,
 * metric dimension. Anything else that is thrown is a bug.
 */
export type ErrorCode =
  | 'InvalidRequest'
  | 'UnsupportedImage'
  | 'ImageTooLarge'
  | 'ImageNotFound'
  | 'Overloaded'
  | 'ModelUnusable';

/** `input`: no retry can help. `service`: ours to fix or to wait out. */
export type Fault = 'input' | 'service';

/** What every failure on purpose is: anything else that is thrown is a bug, or comes from the caller's own stream. */
export abstract class CaptionError extends Error {
  /** Which failure; the same as `name`. */
  abstract readonly code: ErrorCode;
  /** Whose fault it is, and so whether another try can help. */
  abstract readonly fault: Fault;
  /** A literal from `code`: survives minifying, unlike `constructor.name`. */
  override get name(): ErrorCode {
    return this.code;
  }
}

/** An option, a body or an event that does not have the agreed form. */
export class InvalidRequest extends CaptionError {
  readonly code = 'InvalidRequest';
  readonly fault = 'input';
}

/** No allowed decoder reads these bytes, or they are damaged. */
export class UnsupportedImage extends CaptionError {
  readonly code = 'UnsupportedImage';
  readonly fault = 'input';
}

/** More bytes or more pixels than the limit. */
export class ImageTooLarge extends CaptionError {
  readonly code = 'ImageTooLarge';
  readonly fault = 'input';
}

/** There is nothing to read under that name. */
export class ImageNotFound extends CaptionError {
  readonly code = 'ImageNotFound';
  readonly fault = 'input';
}

/** No time or no place left for this request; a later one may succeed. */
export class Overloaded extends CaptionError {
  readonly code = 'Overloaded';
  readonly fault = 'service';
}

/** What is wrong with a bundle: which file, what was expected, what is there, and what to do next. */
export interface ModelProblem {
  /** Path. */
  file: string;
  /** What should be there. */
  expected: string;
  /** What is there. */
  actual: string;
  /** A sentence that says what to do. */
  remedy: string;
}

/** A bundle that cannot be trusted or run. */
export class ModelUnusable extends CaptionError {
  readonly code = 'ModelUnusable';
  readonly fault = 'service';
  /** What is wrong with which file. */
  readonly problem: ModelProblem;

  constructor(problem: ModelProblem, options?: ErrorOptions) {
    super(
      `${problem.file}: expected ${problem.expected}, found ${problem.actual}. ${problem.remedy}`,
      options,
    );
    this.problem = problem;
  }
}

/**
 * What a schema found wrong, field by field.
 * @param whole name of what was checked, for what is wrong with it as a whole; without it only what is wrong is said
 */
export function wrongFields(
  { issues }: { issues: readonly { path: readonly PropertyKey[]; message: string }[] },
  whole?: string,
): string {
  return issues
    .map(({ path, message }) => {
      const field = path.join('.') || whole;
      return field === undefined ? message : `${field}: ${message}`;
    })
    .join('; ');
}

/** A failure as plain data: for JSON output and for crossing threads. `InternalError` is a bug. */
export interface ErrorReport {
  code: ErrorCode | 'InternalError';
  message: string;
  problem?: ModelProblem;
}

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof ModelUnusable) {
    return { code: error.code, message: error.message, problem: error.problem };
  }
  if (error instanceof CaptionError) return { code: error.code, message: error.message };
  return {
    code: 'InternalError',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

/** The error again, on the other side of a thread. */
export function errorOf(report: ErrorReport): Error {
  switch (report.code) {
    case 'InvalidRequest':
      return new InvalidRequest(report.message);
    case 'UnsupportedImage':
      return new UnsupportedImage(report.message);
    case 'ImageTooLarge':
      return new ImageTooLarge(report.message);
    case 'ImageNotFound':
      return new ImageNotFound(report.message);
    case 'Overloaded':
      return new Overloaded(report.message);
    case 'ModelUnusable':
      return report.problem ? new ModelUnusable(report.problem) : new Error(report.message);
    case 'InternalError':
      return new Error(report.message);
  }
}

/** What can be wrong with foreign model files; codes of importing alone, no edge maps them. */
export type SourceErrorCode =
  /** Missing, no permission, the download failed. */
  | 'SourceUnreadable'
  /** Truncated, a wrong checksum, nonsense where the format wants something else. */
  | 'SourceDamaged'
  /** Whole, but not a kind of file or network that can be imported. */
  | 'SourceUnsupported'
  /** A tensor that the network needs is not there. */
  | 'TensorMissing'
  /** A tensor is there in another shape or type. */
  | 'TensorMisshapen'
  /** Word list and weights do not belong together. */
  | 'VocabularyMismatch';

export interface SourceProblem {
  file: string;
  /** Byte offset in `file`, where there is one. */
  offset?: number;
  expected: string;
  actual: string;
  /** What to do next, where there is something. */
  remedy?: string;
}

/** A foreign model file that cannot be imported. */
export class SourceError extends Error {
  readonly code: SourceErrorCode;
  readonly problem: SourceProblem;

  constructor(code: SourceErrorCode, problem: SourceProblem, options?: ErrorOptions) {
    const at = problem.offset === undefined ? '' : ` at byte ${problem.offset}`;
    const remedy = problem.remedy === undefined ? '' : ` ${problem.remedy}`;
    super(`${problem.file}${at}: expected ${problem.expected}, found ${problem.actual}.${remedy}`, options);
    this.code = code;
    this.problem = problem;
  }

  override get name(): SourceErrorCode {
    return this.code;
  }
}
