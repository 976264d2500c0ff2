/**
 * Stands in for `rapid-client.node`, the one compiled part of AWS's runtime client, whose build takes a minute and a
 * compiler. Loaded with `--import`; everything else that runs is AWS's own JavaScript.
 */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { registerHooks } from 'node:module';

const INVOCATION = '/2018-06-01/runtime/invocation';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './rapid-client.node'
      ? { url: import.meta.url, shortCircuit: true }
      : next(specifier, context),
});

/** The native client answers before it asks again; the two calls that answer do not wait. */
let answered: Promise<unknown> = Promise.resolve();

export async function next(): Promise<{ bodyJson: string; headers: IncomingHttpHeaders }> {
  await answered;
  return await call('GET', `${INVOCATION}/next`);
}

export function done(id: string, body: string): void {
  answered = call('POST', `${INVOCATION}/${id}/response`, body);
}

export function error(id: string, body: string): void {
  answered = call('POST', `${INVOCATION}/${id}/error`, body);
}

function call(
  method: string,
  path: string,
  body = '',
): Promise<{ bodyJson: string; headers: IncomingHttpHeaders }> {
  const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API!.split(':');
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path }, (response) => {
      let bodyJson = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        bodyJson += chunk;
      });
      response.on('end', () => resolve({ bodyJson, headers: response.headers }));
    });
    request.on('error', reject).end(body);
  });
}
