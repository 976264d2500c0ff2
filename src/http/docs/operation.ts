import { html } from 'hono/html';
import type { OpenApiDocument } from '../routes/openapi.ts';
import { curlOf } from './curl.ts';
import { type Content, examplesOf } from './example.ts';
import { code, type Definition, definitions, json, type Markup, shell } from './markup.ts';
import { withLinks } from './problems.ts';
import { isFile, type Schemas, schemaText } from './schema-text.ts';

type PathItem = NonNullable<OpenApiDocument['paths']>[string];
type OpenApiOperation = NonNullable<PathItem['get']>;
type Answer = NonNullable<OpenApiOperation['responses']>[string];

/** One method of one path. */
export interface Operation {
  /** Of its section. */
  id: string;
  /** `POST /captions` */
  name: string;
  method: string;
  path: string;
  tag: string;
  operation: OpenApiOperation;
}

/** All that OpenAPI 3.1 has. */
const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'options', 'head', 'trace'] as const;

export function operationsOf({ paths = {} }: OpenApiDocument): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((key) => {
      const operation = item[key];
      if (operation === undefined) return [];
      const method = key.toUpperCase();
      const id = `operation-${operation.operationId ?? `${key}${path.replace(/\W+/g, '-')}`}`;
      return [{ id, name: `${method} ${path}`, method, path, tag: operation.tags?.[0] ?? '', operation }];
    }),
  );
}

export function operationSection(one: Operation, schemas: Schemas): Markup {
  const { id, name, operation } = one;
  const { summary = '', description = '', parameters = [], responses = {} } = operation;
  const rows = parameters.flatMap((p) =>
    '$ref' in p
      ? []
      : [{ in: p.in, term: code(p.name), kind: schemaText(p.schema ?? {}), meaning: p.description ?? '' }],
  );
  return html`<section id="${id}" aria-labelledby="${id}-name">
<h3 id="${id}-name"><code>${name}</code></h3>
<p>${summary}. ${description}</p>
<h4>Request</h4>
${requests(one, schemas)}
${[...Map.groupBy(rows, (row) => row.in)].map(([place, within]) => html`<h4>In the ${place}</h4>\n${definitions(within)}`)}
<h4>Answers</h4>
${definitions(Object.entries(responses).map(([status, answer]) => answerRow(status, answer)))}
${successExamples(operation, schemas)}
</section>
`;
}

/** A line for a shell for every example of every content type, below what the body is. */
function requests({ name, method, path, operation }: Operation, schemas: Schemas): Markup {
  const { parameters = [], requestBody } = operation;
  const plain = parameters.flatMap((p) => ('$ref' in p ? [] : [p]));
  const request = { method, path, parameters: plain, schemas };
  const content = requestBody !== undefined && 'content' in requestBody ? requestBody.content : {};
  const types = Object.entries(content);
  if (types.length === 0) return shell(name, curlOf(request));
  return html`${types.map(([type, media]) => {
    const { schema = {} } = media;
    const isJson = !isFile(schema) && !type.startsWith('multipart/');
    const examples = examplesOf(media as Content, schemas);
    const lines = (isJson ? examples : examples.slice(0, 1)).map((example) => {
      const title = isJson && example.name !== '' ? html`<p>${example.name}:</p>` : '';
      const of = isJson && examples.length > 1 ? `: ${example.name}` : '';
      const line = curlOf({ ...request, body: { type, schema, example: example.value } });
      return html`${title}${isJson ? json(example.value) : ''}${shell(`${name}, ${type}${of}`, line)}`;
    });
    return html`<p>${code(type)}: ${schemaText(schema)}</p>\n${lines}`;
  })}`;
}

function answerRow(status: string, answer: Answer): Definition {
  const content: Record<string, Content> = answer.content ?? {};
  const types = Object.entries(content).map(
    ([type, { schema }], i) =>
      html`${i > 0 ? ', ' : ''}${code(type)} ${schema === undefined ? '' : schemaText(schema)}`,
  );
  const headers = Object.keys(answer.headers ?? {});
  const also = headers.length === 0 ? '' : html`<br>With the header ${headers.join(', ')}.`;
  return {
    term: html`<strong>${status}</strong>`,
    kind: types.length === 0 ? '' : html`${types}`,
    meaning: html`${withLinks(answer.description)}${also}`,
  };
}

function successExamples({ responses = {} }: OpenApiOperation, schemas: Schemas): Markup {
  const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  const examples = successes.flatMap(([status, answer]) =>
    Object.values((answer.content ?? {}) as Record<string, Content>).flatMap((media) =>
      examplesOf(media, schemas).map(({ name, value }) => {
        const of = name === '' ? '' : ` (${name})`;
        return html`<h4>Example of an answer ${status}${of}</h4>\n${json(value)}\n`;
      }),
    ),
  );
  return html`${examples}`;
}
