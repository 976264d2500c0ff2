/** What docs/deploy.md, docs/operations.md and docs/security.md say of the stack, held against its template. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENVIRONMENTS, settingsOf } from '../../infra/settings.ts';
import { METRICS } from '../../src/lambda/env.ts';
import { ROOT } from '../support/samples.ts';
import { pathsOfLogicalIds } from './construct-names.ts';
import { blocksOf, readDocument, readDocuments, tableRows } from './documents.ts';
import { permissionTable } from './permissions.ts';
import { fieldsIn } from './queries.ts';
import { synthesiseWay } from './synthesis.ts';

const prod = await synthesiseWay('prod');
const deploy = readDocument('docs/deploy.md');
const operations = readDocument('docs/operations.md');
const security = readDocument('docs/security.md');

test('the alarms of the stack are those that operators are told about', () => {
  const paths = pathsOfLogicalIds(prod);
  const alarms = Object.entries(prod.resources)
    .filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm')
    .map(([id]) => `\`${paths.get(id)}\``);
  const told = tableRows(operations).flatMap(
    ([first]) => first!.match(/`(\w+\/(NewVersion)?Errors|Alarms\/[\w-]+)`/g) ?? [],
  );
  assert.deepEqual(told.sort(), alarms.sort());
});

test('the table of metrics has those that the functions write', () => {
  const start = operations.text.indexOf('## Metrics');
  const section = operations.text.slice(start, operations.text.indexOf('## Costs'));
  const told = [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names]) => names!.match(/\w+/g) ?? []);
  assert.deepEqual(told.sort(), [...Object.values(METRICS), 'ColdStart'].sort());
});

test('the table of who may do what is that of the template', async () => {
  const table = permissionTable(await synthesiseWay('gpu')).join('\n');
  assert.ok(security.text.includes(`\n${table}\n\n`), `docs/security.md: expected\n${table}`);
});

test('the query of the access log asks for fields that it has', () => {
  const stage = Object.values(prod.resources).find(({ Type }) => Type === 'AWS::ApiGatewayV2::Stage')!;
  const { Format } = stage.Properties.AccessLogSettings as { Format: string };
  const written = Object.keys(JSON.parse(Format));
  const queries = blocksOf(operations, 'access-logs');
  assert.ok(queries.length > 0);
  assert.deepEqual(
    queries.flatMap(fieldsIn).filter((field) => !written.includes(field)),
    [],
  );
});

test('every output that a command reads is one of the stack', () => {
  const outputs = Object.keys((prod.template.toJSON() as { Outputs: object }).Outputs);
  const read = [...deploy.text.matchAll(/\$\(output (\w+)\)/g)].map(([, name]) => name!);
  assert.ok(read.length > 3);
  assert.deepEqual(
    read.filter((name) => !outputs.includes(name)),
    [],
  );
});

test('cdk is given the context that the app asks for', () => {
  const app = readFileSync(join(ROOT, 'infra/app.ts'), 'utf8');
  const given = readDocuments().flatMap(({ text }) => [
    ...text.matchAll(/\bcdk (?:deploy|synth|destroy)\b(?: -c (\w+)=([\w.]+))(?: -c (\w+)=[\w.]+)?/g),
  ]);
  assert.ok(given.length > 3);
  for (const [line, first, environment, second = first] of given) {
    assert.equal(first, 'env', line);
    assert.ok((ENVIRONMENTS as readonly string[]).includes(environment!), line);
    assert.ok(app.includes(`tryGetContext('${second}')`), line);
  }
});

test('every setting that is named by its path is there', () => {
  const source = globSync('infra/{.,*}/*settings.ts', { cwd: ROOT })
    .map((path) => readFileSync(join(ROOT, path), 'utf8'))
    .join('\n');
  const named = [deploy, operations, security]
    .flatMap(({ spans }) => spans)
    .filter((span) => /^(functions|api|input|queue|workflow|alarms|gpu|vpc|events)(\.\w+)+$/.test(span));
  assert.ok(named.length > 15);
  const missing = named.filter((path) =>
    path.split('.').some((key) => !new RegExp(`\\b${key}:`).test(source)),
  );
  assert.deepEqual(missing, []);
});

test('what the environments reserve of the account is as the documents say', () => {
  const reserved = ENVIRONMENTS.map((name) =>
    Object.values(settingsOf(name).functions).reduce((sum, f) => sum + (f.reservedConcurrency ?? 0), 0),
  );
  const [dev, production] = reserved;
  assert.equal(dev, 0);
  assert.ok(operations.text.includes(`none reserved in \`dev\`, ${production} in \`prod\``));
  assert.ok(
    deploy.text.includes(
      `\`prod\` reserves ${production}, so its account needs ${production! + 100} or more`,
    ),
  );
  assert.ok(deploy.text.includes(`(${production! * 2} and 100 for \`prod\`)`));
  const { queue, workflow } = settingsOf('dev');
  const byItself = `takes ${queue.concurrency + workflow.concurrency} by itself at most`;
  const of = `${queue.concurrency} for the queue (\`queue.concurrency\`) and ${workflow.concurrency} for a run`;
  assert.ok(deploy.text.includes(`${byItself}, ${of}`), `${byItself}, ${of}`);
});

test('retentions are as the documents say', () => {
  const [dev, production] = ENVIRONMENTS.map((name) => settingsOf(name));
  const days = (settings: typeof dev) => (settings!.input.kind === 'own' ? settings!.input.expireDays : 0);
  for (const said of [
    `\`input.expireDays\`: ${days(dev)} days in \`dev\`, ${days(production)} in \`prod\``,
    `\`resultsExpireDays\`: ${dev!.resultsExpireDays} days, ${production!.resultsExpireDays}`,
    `\`accessLogsExpireDays\`: ${dev!.accessLogsExpireDays} days, ${production!.accessLogsExpireDays}`,
    `\`logRetentionDays\`: ${dev!.logRetentionDays} days, ${production!.logRetentionDays}`,
  ]) {
    assert.ok(security.text.includes(said), said);
  }
  const [short, long] = [days(dev), days(production)];
  assert.ok(deploy.text.replaceAll('\n', ' ').includes(`${short} days in \`dev\`, ${long} in \`prod\``));
  assert.ok(readDocument('README.md').text.includes(`after ${short} days (\`prod\`: ${long})`));
});
