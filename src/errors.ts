/**
 * Every failure on purpose. One name each, used everywhere: class, `code`, `error.name`, Step Functions error,
 * metric dimension. Anything else that is thrown is a bug.
 */
export type ErrorCode =
  | 'InvalidRequest'
  | 'UnsupportedImage'
  | 'ImageTooLarge'
  | 'ImageNotFound'
  | 'ObjectRefused'
  | 'Overloaded'
  | 'DeadlineExceeded'
  | 'CaptionerHung'
  | 'UpstreamUnavailable'
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

/** One thing that is wrong with a request. */
export interface RequestProblem {
  /** The option or field as the API names it; none where the request as a whole is meant. */
  field?: string;
  /** Other options stand in braces, so that each edge can name them its own way: `raise {beamWidth} as well`. */
  message: string;
}

/** How an edge calls an option or field of the API, e.g. `--beam` for `beamWidth`. */
export type NameOf = (field: string) => string;

/** A text that has options in braces, in the names of an edge. */
export function inNames(text: string, nameOf: NameOf): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => nameOf(name));
}

/** Problems as one line; without `nameOf` in the API's names. */
export function describeProblems(
  problems: readonly RequestProblem[],
  nameOf: NameOf = (field) => field,
): string {
  return problems
    .map(({ field, message }) => {
      const text = inNames(message, nameOf);
      return field === undefined ? text : `${nameOf(field)}: ${text}`;
    })
    .join('; ');
}

/** An option, a body or an event that does not have the agreed form. */
export class InvalidRequest extends CaptionError {
  readonly code = 'InvalidRequest';
  readonly fault = 'input';
  /** What is wrong, option by option; empty where the message says all. */
  readonly problems: readonly RequestProblem[];

  /** @param what a message, taken as it is, or problems, which become one in the API's names */
  constructor(what: string | readonly RequestProblem[], options?: ErrorOptions) {
    super(typeof what === 'string' ? what : describeProblems(what), options);
    this.problems = typeof what === 'string' ? [] : what;
  }
}

/** No allowed decoder reads these bytes, or they are damaged. */
export class UnsupportedImage extends CaptionError {
  readonly code = 'UnsupportedImage';
  readonly fault = 'input';
}

/** More bytes or more pixels than the limit, or more to decode than there is memory for. */
export class ImageTooLarge extends CaptionError {
  readonly code = 'ImageTooLarge';
  readonly fault = 'input';
}

/** There is nothing to read under that name. */
export class ImageNotFound extends CaptionError {
  readonly code = 'ImageNotFound';
  readonly fault = 'input';
}

/** S3 does not let this program read that object: a permission, its key, or its region. It may another day. */
export class ObjectRefused extends CaptionError {
  readonly code = 'ObjectRefused';
  readonly fault = 'service';
}

/** Busy: no place or no memory is left for this request; a later one may succeed. */
export class Overloaded extends CaptionError {
  readonly code = 'Overloaded';
  readonly fault = 'service';
}

/** Late: the time that the caller, the deployment or the decoder allows passed before the work was done. */
export class DeadlineExceeded extends CaptionError {
  readonly code = 'DeadlineExceeded';
  readonly fault = 'service';
}

/** A captioner did not come back from an image, it hung or its thread ended; it is replaced. It may happen again. */
export class CaptionerHung extends CaptionError {
  readonly code = 'CaptionerHung';
  readonly fault = 'service';
}

/** A service of AWS, or the server of an image's address, did not answer, throttles, or has an error of its own; a later try may succeed. */
export class UpstreamUnavailable extends CaptionError {
  readonly code = 'UpstreamUnavailable';
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

interface SchemaIssues {
  issues: readonly { path: readonly PropertyKey[]; message: string }[];
}

/**
 * What a schema found wrong, field by field.
 * @param whole name of what was checked, for what is wrong with it as a whole; without it only what is wrong is said
 */
export function problemsIn({ issues }: SchemaIssues, whole?: string): RequestProblem[] {
  return issues.map(({ path, message }) => {
    const field = path.join('.') || whole;
    return field === undefined ? { message } : { field, message };
  });
}

/** A failure as plain data: for JSON output and for crossing threads. `InternalError` is a bug. */
export interface ErrorReport {
  code: ErrorCode | 'InternalError';
  message: string;
  /** Of `ModelUnusable`. */
  problem?: ModelProblem;
  /** Of an `InvalidRequest` that names options. */
  problems?: readonly RequestProblem[];
}

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof ModelUnusable) {
    return { code: error.code, message: error.message, problem: error.problem };
  }
  if (error instanceof InvalidRequest && error.problems.length > 0) {
    return { code: error.code, message: error.message, problems: error.problems };
  }
  if (error instanceof CaptionError) return { code: error.code, message: error.message };
  return {
    code: 'InternalError',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

const CLASSES = {
  UnsupportedImage,
  ImageTooLarge,
  ImageNotFound,
  ObjectRefused,
  Overloaded,
  DeadlineExceeded,
  CaptionerHung,
  UpstreamUnavailable,
} satisfies Record<
  Exclude<ErrorCode, 'InvalidRequest' | 'ModelUnusable'>,
  new (
    message: string,
  ) => CaptionError
>;

/** The error again, on the other side of a thread. */
export function errorOf({ code, message, problem, problems }: ErrorReport): Error {
  switch (code) {
    case 'InvalidRequest':
      return new InvalidRequest(problems ?? message);
    case 'ModelUnusable':
      return problem ? new ModelUnusable(problem) : new Error(message);
    case 'InternalError':
      return new Error(message);
    default:
      return new CLASSES[code](message);
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

/** What the disk says when the fault is its own, and not that of one file's name, and what to do. */
const DISK_FAILURES: Record<string, string> = {
  ENOSPC: 'the disk is full; make room',
  EDQUOT: 'the quota is used up; make room',
  EFBIG: 'a limit on the size of files; raise it (ulimit -f)',
  EROFS: 'it is read-only; name another place',
  EIO: 'the disk fails; name another place',
};

/** With the fields that Node gives to errors of the system, whose types a reader of these declarations need not have. */
export function isDiskFailure(error: unknown): error is Error & { code: string; syscall?: string } {
  return error instanceof Error && 'code' in error && Object.hasOwn(DISK_FAILURES, String(error.code));
}

/** What a command makes cannot be written: the disk is full or gone. Not the fault of any image: the run ends. No edge maps it. */
export class OutputFailed extends Error {
  /** @param place what cannot be written */
  constructor(place: string, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
    const remedy = isDiskFailure(cause) ? `: ${DISK_FAILURES[cause.code]}` : '';
    super(`${place} cannot be written${code}${remedy}`, { cause });
  }
}
