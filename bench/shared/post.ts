/** A client that takes little of the processor from the server beside it: a fifth of what `fetch` does. */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

const agent = new Agent({ keepAlive: true });

/**
 * @returns the body of the answer
 * @throws Error when the status is not 200, with the body
 */
export function post(url: string, type: string, body: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': body.length };
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      text(answer).then((said) => {
        if (answer.statusCode === 200) resolve(said);
        else reject(new Error(`${url} answers ${answer.statusCode}: ${said}`));
      }, reject);
    });
    sent.on('error', reject).end(body);
  });
}
