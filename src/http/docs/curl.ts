/** Lines for a shell that make a request of the document; `photo.jpg` and `other.jpg` are photographs of the reader's. */
import { BASE64, exampleOf, resolve } from './example.ts';
import { ORIGIN } from './markup.ts';
import { isFile, type Schema, type Schemas } from './schema-text.ts';

const PHOTO = 'photo.jpg';
const OTHER = 'other.jpg';
/** Of `PHOTO`, where a range of types is taken. */
const PHOTO_TYPE = 'image/jpeg';

export interface CurlRequest {
  method: string;
  /** As the document writes it: `/captions/{id}`. */
  path: string;
  parameters: readonly { name: string; in: string; example?: unknown; schema?: Schema }[];
  schemas: Schemas;
  /** Absent where the request has none. */
  body?: { type: string; schema: Schema; example: unknown };
}

export function curlOf({ method, path, parameters, schemas, body }: CurlRequest): string {
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  const filled = inPath.reduce(
    (text, { name, example, schema = {} }) =>
      text.replace(`{${name}}`, encodeURIComponent(String(example ?? exampleOf(schema, schemas)))),
    path,
  );
  const pieces = [`curl ${quoted(ORIGIN + filled)}`];
  if (method !== (body === undefined ? 'GET' : 'POST')) pieces.push(`-X ${method}`);
  if (body === undefined) return joined(pieces);
  const { type, schema, example } = body;
  if (type.startsWith('multipart/')) return joined([...pieces, ...fields(resolve(schema, schemas), schemas)]);
  pieces.push(`-H ${quoted(`content-type: ${type.includes('*') ? PHOTO_TYPE : type}`)}`);
  if (isFile(schema)) return joined([...pieces, `--data-binary @${PHOTO}`]);
  const text = JSON.stringify(example);
  if (!text.includes(BASE64)) return joined([...pieces, `--data ${quoted(text)}`]);
  return `${withPhoto(text)} |\n  ${joined([...pieces, '--data-binary @-'])}`;
}

/** A photograph may be longer than what a command may be given as an argument, so it goes through a pipe. */
function withPhoto(text: string): string {
  const printed = text.split(BASE64).map((part) => `printf %s ${quoted(part)}`);
  return `{ ${printed.join(`; base64 < ${PHOTO} | tr -d '\\n'; `)}; }`;
}

function fields(form: Exclude<Schema, { $ref: string }>, schemas: Schemas): string[] {
  const required = new Set(form.required);
  return Object.entries((form.properties ?? {}) as Schemas).flatMap(([name, given]) => {
    const schema = resolve(given, schemas);
    if (isFile(schema)) return [`-F ${name}=@${PHOTO}`];
    if (schema.items !== undefined && isFile(resolve(schema.items, schemas)))
      return [`-F ${name}=@${PHOTO}`, `-F ${name}=@${OTHER}`];
    return required.has(name) ? [`-F ${quoted(`${name}=${exampleOf(schema, schemas)}`)}`] : [];
  });
}

function joined(pieces: readonly string[]): string {
  return pieces.join(' \\\n  ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
