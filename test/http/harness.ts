/** The app around the real default model; every answer that a test asks for is held to the OpenAPI document. */
import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { createApp } from '../../src/http/app.ts';
import type { Problem } from '../../src/http/failures.ts';
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode } from '../../src/http/failures.ts';
import { modelCardOf } from '../../src/http/model-card.ts';
import type { AppParts } from '../../src/http/parts.ts';
import { readBundle } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';

export const bundle = await readBundle(DEFAULT_BUNDLE);
export const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
export const MAX_BODY_BYTES = 1 << 20;

export type App = ReturnType<typeof createApp>;

export function appWith(parts: Partial<AppParts> = {}): App {
  return createApp({
    caption: captioner.caption,
    model: modelCardOf(bundle),
    plan: captioner.plan,
    maxBodyBytes: MAX_BODY_BYTES,
    ...parts,
  });
}

/** For tests that need the model but no part of their own. */
export const app = appWith();

interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

/** Sends a request and parses the answer, after it was found to be one of those that the document promises. */
export async function ask<T>(to: App, path: string, init: RequestInit = {}): Promise<Answer<T>> {
  const response = await to.request(path, init);
  const body: unknown = await response.json();
  assertPromised(init.method ?? 'GET', path.replace(/\?.*/, ''), response, body);
  return { status: response.status, headers: response.headers, body: body as T };
}

export function post<T>(
  to: App,
  path: string,
  body: Buffer | FormData | string,
  type?: string,
): Promise<Answer<T>> {
  const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
  return ask<T>(to, path, { method: 'POST', body: body as Buffer<ArrayBuffer> | FormData | string, headers });
}

export function postJson<T>(to: App, path: string, json: unknown): Promise<Answer<T>> {
  return post<T>(to, path, JSON.stringify(json), 'application/json');
}

/** @param files name and bytes of each part `image` */
export function formOf(...files: (readonly [name: string, bytes: Uint8Array])[]): FormData {
  const form = new FormData();
  for (const [name, bytes] of files) form.append('image', new Blob([new Uint8Array(bytes)]), name);
  return form;
}

/** Checks everything that every problem document must be. */
export function assertProblem({ status, headers, body }: Answer<unknown>, code: ProblemCode): Problem {
  const problem = body as Problem;
  assert.equal(problem.code, code, problem.detail);
  assert.equal(status, PROBLEMS[code].status);
  assert.equal(headers.get('content-type'), PROBLEM_TYPE);
  assert.equal(problem.status, status);
  assert.equal(problem.title, PROBLEMS[code].title);
  assert.equal(problem.requestId, headers.get('x-request-id'));
  return problem;
}

interface MediaTypes {
  content?: Record<string, { schema: object }>;
  headers?: Record<string, object>;
}
interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, MediaTypes> }>>;
  components: { schemas: Record<string, object> };
}

export const openApi = (await (await app.request('/openapi.json')).json()) as OpenApi;

const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  allowUnionTypes: true,
  // A choice between fields (`oneOf`) names those of the object around it.
  strictRequired: false,
});
addFormats.default(ajv);
// Annotations of OpenAPI, not of JSON Schema.
ajv.addVocabulary(['example', 'param']);
ajv.addSchema({ $id: 'openapi', $defs: closed(openApi.components.schemas) as Record<string, object> });

/** Problems that stand for an address or a method rather than for one operation. */
const BESIDE_OPERATIONS = [404, 405];

const validators = new Map<object, ValidateFunction>();

/** Knows the schemas that `openApi` names, and lets no field pass that a schema does not. */
export function validatorOf(schema: object): ValidateFunction {
  const known = validators.get(schema) ?? ajv.compile(closed(schema) as object);
  validators.set(schema, known);
  return known;
}

function assertPromised(method: string, path: string, response: Response, body: unknown): void {
  const { status } = response;
  const type = response.headers.get('content-type')!;
  const promised = openApi.paths[path]?.[method.toLowerCase()]?.responses[status];
  const isProblem = promised === undefined && BESIDE_OPERATIONS.includes(status);
  const schema = isProblem ? openApi.components.schemas.Problem : promised?.content?.[type]?.schema;
  assert.ok(schema, `${method} ${path} answered ${status} ${type}, which the document does not say`);
  for (const name of ['Server-Timing', 'Retry-After', 'Location']) {
    const hasIt = response.headers.has(name);
    const isPromised = promised?.headers?.[name] !== undefined;
    // One status may stand for problems that pass and for others.
    const mayLack = name === 'Retry-After' && status === 503;
    assert.ok(hasIt === isPromised || mayLack, `${method} ${path} ${status}: ${name} ${hasIt}`);
  }
  const validate = validatorOf(schema);
  assert.ok(validate(body), `${ajv.errorsText(validate.errors)} in ${JSON.stringify(body).slice(0, 300)}`);
}

/** The schema with references into `openapi` and without room for fields that it does not name. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  if (typeof copy.$ref === 'string') copy.$ref = copy.$ref.replace('#/components/schemas', 'openapi#/$defs');
  return typeof copy.properties === 'object' && copy.type === 'object'
    ? { ...copy, additionalProperties: false }
    : copy;
}
