// A Lambda function of one's own behind a function URL: POST an image, get its captions. Bundle it with esbuild, or zip
// it with `node_modules`. Of onnxruntime only `bin/napi-v6/linux` is needed there: the rest has to go, or the zip is over
// Lambda's 250 MB.
import { CaptionError, loadCaptioner } from 'show-and-tell';

interface FunctionUrlEvent {
  body?: string;
  isBase64Encoded: boolean;
}

/** Milliseconds kept for the answer. */
const RESERVE = 500;

// Once for each environment, not for each request.
const captioner = await loadCaptioner();

export async function handler(event: FunctionUrlEvent, context: { getRemainingTimeInMillis(): number }) {
  const image = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'latin1');
  try {
    const { captions } = await captioner.caption(image, {
      deadline: Date.now() + context.getRemainingTimeInMillis() - RESERVE,
    });
    return answer(200, { captions: captions.map(({ text }) => text) });
  } catch (error) {
    if (!(error instanceof CaptionError)) throw error;
    return answer(error.fault === 'input' ? 422 : 503, { code: error.code, message: error.message });
  }
}

function answer(statusCode: number, body: object) {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
