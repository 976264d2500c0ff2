/** What went wrong, as a card tells it. */
import type { Card, Problem } from './cards.ts';
import { $ } from './document.ts';

/** `retry`: worth it without changing the photograph. */
const PROBLEMS: Record<string, { what: string; advice: string; retry?: boolean }> = {
  NotAnImage: { what: 'This is not a picture.', advice: 'It was not sent.' },
  MalformedRequest: {
    what: 'The server could not read this request.',
    advice: 'The file may be empty, or the connection broke off.',
    retry: true,
  },
  InvalidRequest: {
    what: 'The server did not accept this request.',
    advice: 'Look at the options, then try again.',
    retry: true,
  },
  UnsupportedImage: {
    what: 'This file cannot be read as a picture.',
    advice:
      'JPEG, PNG, WebP, AVIF, GIF and TIFF can. It may be damaged, or another kind of file under a picture’s name; save HEIC photographs as JPEG first.',
  },
  UnsupportedMediaType: {
    what: 'The server does not take this kind of file.',
    advice: 'It takes JPEG, PNG, WebP, AVIF, GIF and TIFF.',
  },
  ImageTooLarge: {
    what: 'This picture is too large.',
    advice: 'Save a smaller copy and try that.',
  },
  SignedOut: { what: 'You are not signed in.', advice: 'Your photograph is still here.', retry: true },
  Refused: {
    what: 'The server refused this request.',
    advice: 'Whoever runs this server has to allow it.',
    retry: true,
  },
  ImageNotFound: { what: 'The server found no picture there.', advice: 'It may have been removed.' },
  ObjectRefused: {
    what: 'The server may not read that picture.',
    advice: 'Whoever runs this server has to allow it.',
    retry: true,
  },
  BucketNotAllowed: {
    what: 'The server does not read pictures from there.',
    advice: 'Choose one from this device.',
  },
  RouteNotFound: {
    what: 'Nothing answers at the address that this page asks.',
    advice: 'The server may be newer than this page: reload it, or ask whoever runs the server.',
    retry: true,
  },
  MethodNotAllowed: {
    what: 'The server does not answer this page’s kind of request.',
    advice: 'The server may be newer than this page: reload it, or ask whoever runs the server.',
    retry: true,
  },
  Overloaded: { what: 'The server is busy.', advice: 'Your photograph is still here.', retry: true },
  DeadlineExceeded: {
    what: 'The server took too long.',
    advice: 'Your photograph is still here.',
    retry: true,
  },
  CaptionerHung: {
    what: 'The server did not finish with this picture.',
    advice: 'It may not the next time either.',
    retry: true,
  },
  UpstreamUnavailable: {
    what: 'A service that the server needs does not answer.',
    advice: 'Your photograph is still here.',
    retry: true,
  },
  Unreachable: {
    what: 'The server could not be reached.',
    advice: 'Is the network there? Your photograph is still here.',
    retry: true,
  },
  NotKept: {
    what: 'The page was reloaded and keeps no photographs: choose it again.',
    advice: '',
  },
  ModelUnusable: {
    what: 'The server’s model does not work.',
    advice: 'Whoever runs this server has to repair it.',
    retry: true,
  },
  InternalError: {
    what: 'Something went wrong in the server.',
    advice: 'It was not your photograph’s fault.',
    retry: true,
  },
};

/** What happened, in a sentence; empty for a code that this page does not know. */
export function whatHappened({ code }: Problem): string {
  return PROBLEMS[code]?.what ?? '';
}

/** In two sentences. */
export function problemText({ code }: Problem): string {
  const { what, advice } = PROBLEMS[code] ?? PROBLEMS.InternalError!;
  return `${what} ${advice}`;
}

export function showProblem(card: Card, { code, detail, status, retryAfter }: Problem): void {
  const { what, advice, retry = false } = PROBLEMS[code] ?? { ...PROBLEMS.InternalError!, advice: '' };
  const box = $('.problem', card.element);
  $('.captions', card.element).hidden = true;
  $('.order', card.element).hidden = true;
  $('.leaning', card.element).hidden = true;
  $('.timing', card.element).hidden = true;
  $('.tree', card.element).hidden = true;
  $('.curl', card.element).hidden = true;
  $('.what', box).textContent = what;
  $('.advice', box).textContent = advice;
  $('.detail', box).textContent = detail ?? '';
  $('.code', box).textContent = status ? `${code} (${status})` : '';
  $('.retry', box).hidden = !retry;
  box.dataset.code = code;
  box.hidden = false;
  if (retryAfter) countDown(card, retryAfter);
}

function countDown(card: Card, seconds: number): void {
  const advice = $('.advice', card.element);
  let left = seconds;
  const say = () => {
    advice.textContent = left > 0 ? `It asks for ${left} s of patience.` : 'It may have room again now.';
  };
  say();
  card.countdown = setInterval(() => {
    left--;
    say();
    if (left <= 0) clearInterval(card.countdown);
  }, 1000);
}
