/** A section for every code that a problem document may have; the document's `type` leads there. */
import { html } from 'hono/html';
import { ALL_PROBLEMS, type AnyProblemCode, retryAfter } from '../failures.ts';
import { definitions, type Markup } from './markup.ts';

interface Explanation {
  /** What happened, beside the title. */
  meaning: string;
  /** What a client does next. */
  advice: string;
}

const EXPLANATIONS: Record<AnyProblemCode, Explanation> = {
  MalformedRequest: {
    meaning:
      'The bytes are not what the request says they are: no JSON, no base64, no form, an empty body or one that breaks off, or no valid HTTP.',
    advice: 'Correct what the field detail names. The same request fails again.',
  },
  BucketNotAllowed: {
    meaning:
      'The request names an image in a bucket that this deployment may not read, or it reads no bucket at all. Whether the bucket exists is not told.',
    advice: 'Send the image itself, or ask whoever runs the deployment to allow the bucket.',
  },
  ImageNotFound: {
    meaning:
      'There is no object under that key in S3, or no upload with that id, or nothing was uploaded yet.',
    advice: 'Check bucket, key, version or id. After an announcement: upload the image first.',
  },
  RouteNotFound: {
    meaning: 'No operation has this path.',
    advice: 'Compare the path with those of the requests above.',
  },
  MethodNotAllowed: {
    meaning: 'The path exists and takes other methods.',
    advice: 'Use a method that the header Allow names.',
  },
  ImageTooLarge: {
    meaning:
      'The body, the object in S3 or the upload has more bytes than the limits say, or the image more pixels, or decoding it takes more memory than there is.',
    advice: 'Send a smaller copy: captions need no more than a few hundred pixels a side.',
  },
  UnsupportedMediaType: {
    meaning:
      'The header Content-Type is missing or names a type that the operation does not read, or the body is compressed.',
    advice: 'Send one of the content types of the operation, without Content-Encoding.',
  },
  UnsupportedImage: {
    meaning: 'The bytes came whole but are no image of a kind that is read here, or the image is damaged.',
    advice:
      'Where detail names a kind, as HEIC, convert the image to JPEG; else save it anew. The same bytes fail again.',
  },
  InvalidRequest: {
    meaning:
      'The request can be read and asks for what is not allowed: an unknown option or field, or a value outside of its bounds.',
    advice: 'Correct what the field detail names.',
  },
  ObjectRefused: {
    meaning:
      'S3 refused the object to this deployment: it has no permission for it or for its key, or the object lies in another region. The field detail has what S3 answered.',
    advice: 'Tell whoever runs the deployment, with the field detail, or send the image itself.',
  },
  InternalError: {
    meaning: 'A fault of the program.',
    advice: 'Try again once; if it stays, report it to whoever runs the deployment, with its requestId.',
  },
  ModelUnusable: {
    meaning: 'The model of this deployment is damaged, incomplete or of another version.',
    advice: 'Nothing that a request could change: tell whoever runs the deployment, with its requestId.',
  },
  CaptionerHung: {
    meaning:
      'The captioner gave no sign of life for a long time, or ended amid the image, and was started anew.',
    advice:
      'Try again after the seconds that the header Retry-After names. If the same image fails again, leave it.',
  },
  Overloaded: {
    meaning:
      'As many images as may wait are waiting already, as many bytes as are taken together are on their way, memory ran out, or the server is stopping.',
    advice: 'Try again after the seconds that the header Retry-After names, and longer each time.',
  },
  UpstreamUnavailable: {
    meaning: 'A service that this one needs, S3 for example, does not answer or throttles.',
    advice: 'Try again after the seconds that the header Retry-After names, and longer each time.',
  },
  DeadlineExceeded: {
    meaning: 'The captions were not ready in the time that a request has here, or decoding took too long.',
    advice:
      'Try again later, with fewer images in a request, a smaller copy of the image or a smaller beamWidth.',
  },
  RequestTimeout: {
    meaning:
      'The whole request did not arrive in the time that it has here, or hardly came at all; the connection is closed.',
    advice: 'Try again over a better connection, or send a smaller copy of the image.',
  },
  ExpectationFailed: {
    meaning: 'The header Expect asks for something else than 100-continue.',
    advice: 'Leave the header out.',
  },
  HeadersTooLarge: {
    meaning: 'The headers of the request, cookies among them, have more bytes than the limits say.',
    advice: 'Send fewer or shorter headers.',
  },
};

export const PROBLEM_CODES = Object.keys(ALL_PROBLEMS) as AnyProblemCode[];

export function problemSections(): Markup {
  return html`${PROBLEM_CODES.map(problemSection)}`;
}

function problemSection(code: AnyProblemCode): Markup {
  const { status, title } = ALL_PROBLEMS[code];
  const { meaning, advice } = EXPLANATIONS[code];
  const seconds = retryAfter(code)['retry-after'];
  const again = seconds === undefined ? '' : `, with the header Retry-After: ${seconds}`;
  const rows = [
    { term: 'Status', meaning: `${status}${again}` },
    { term: 'Meaning', meaning },
    { term: 'What to do', meaning: advice },
  ];
  return html`<section id="${code}" aria-labelledby="${code}-name">
<h3 id="${code}-name"><code>${code}</code></h3>
<p>${title}</p>
${definitions(rows, 'narrow')}</section>
`;
}

const CODE_FIRST = /^(\w+): /;

/** The description of an answer, whose lines begin with codes where problem documents are meant. */
export function withLinks(description: string): Markup {
  const lines = description.split('\n\n').map((line) => {
    const code = PROBLEM_CODES.find((known) => known === CODE_FIRST.exec(line)?.[1]);
    if (code === undefined) return html`${line}`;
    return html`<a href="#${code}">${code}</a>: ${line.slice(code.length + 2)}`;
  });
  return html`${lines.map((line, i) => html`${i > 0 ? html`<br>` : ''}${line}`)}`;
}
