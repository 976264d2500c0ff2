/**
 * Schemathesis makes requests of `/openapi.json`, right ones and wrong ones, sends them to the running server, and holds
 * every answer to the document. `npm run test:api`; needs Python 3 and its registry. Another seed finds other things:
 * `SCHEMATHESIS_SEED=7 npm run test:api`.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/bundles.ts';
import { type Api, startApi } from './api-server.ts';
import { pythonWith, whyNoPython } from './python.ts';

/** Hypothesis chooses the requests. */
const PACKAGES = ['schemathesis==4.32.5', 'hypothesis==6.170.17'];
const SEED = process.env.SCHEMATHESIS_SEED ?? '1';
/** For each operation, beside those for every keyword of its schemas. */
const EXAMPLES = '100';
const SLOW_MS = 600_000;

interface Exception {
  operation: string;
  check: string;
  status: number;
  /** The answer's `detail` or `message`; where it names several problems, each has to be in this table. */
  says: RegExp;
  /** Why the answer is right all the same. */
  why: string;
}

/** What is said of bytes that are no image that is read here; the second sentence is what to do. */
const NO_IMAGE = /^not a JPEG|^the image is|^this is an? .* which is not read here$|^convert it /;

/** Findings that are none. */
const EXCEPTIONS: readonly Exception[] = [
  ...(
    [
      [422, /in the query and in the body/, 'parameters and bodies have no rules in common'],
      [422, /leaves no room/, 'a schema cannot compare the length of one option with the value of another'],
      [422, /more captions than the beam keeps/, 'nor two values'],
      [422, /the model does not know the word/, 'the vocabulary is the model’s, not the interface’s'],
      [
        422,
        /^(bannedWords|requiredWords)\.\d+: (Too small|a phrase)/,
        'a query leaves an empty list out (RFC 6570 section 3.2.1), and commas part its items',
      ],
      [400, /^the body is empty$/, 'minLength counts characters, and of raw bytes there are none'],
      [400, /is not base64/, 'contentEncoding is an annotation, which generators of requests do not heed'],
      [415, NO_IMAGE, 'bytes at random are no image'],
    ] as const
  ).map(([status, says, why]) => ({
    operation: 'POST /captions',
    check: 'positive_data_acceptance',
    status,
    says,
    why,
  })),
  {
    operation: 'POST /model/predict',
    check: 'positive_data_acceptance',
    status: 400,
    says: NO_IMAGE,
    why: 'the same; the service that is imitated answers 400',
  },
  ...['status_code_conformance', 'negative_data_rejection'].map((check) => ({
    operation: 'POST /captions',
    check,
    status: 431,
    says: /^$/,
    why: 'an address of more than 16 kB: answered before it is known whose it is, as by every server of HTTP',
  })),
  {
    operation: 'POST /uploads',
    check: 'negative_data_rejection',
    status: 413,
    says: /^the image has \d+ bytes, more than \d+$/,
    why: 'it was rejected, by a status that Schemathesis does not count as that',
  },
];

/** What is used of the lines that Schemathesis reports. */
interface Recorder {
  cases?: Record<string, { value: { method: string; path: string } }>;
  checks?: Record<
    string,
    { name: string; status: string; failure_info?: { failure: { message: string } } }[]
  >;
  interactions?: Record<
    string,
    { request: { uri: string }; response?: { status_code: number; content?: { $base64: string } } }
  >;
}

interface Finding {
  operation: string;
  check: string;
  status: number;
  says: string;
  message: string;
  uri: string;
}

/** One for each problem that an answer names. */
function findingsIn({ cases = {}, checks = {}, interactions = {} }: Recorder): Finding[] {
  return Object.entries(checks).flatMap(([id, ofCase]) =>
    ofCase
      .filter(({ status }) => status !== 'success')
      .flatMap(({ name: check, failure_info }) => {
        const { method, path } = cases[id]!.value;
        const { request, response } = interactions[id]!;
        const message = failure_info?.failure.message ?? '';
        return problemsOf(response?.content?.$base64).map((says) => ({
          operation: `${method} ${path}`,
          check,
          status: response?.status_code ?? 0,
          says,
          message,
          uri: request.uri,
        }));
      }),
  );
}

function problemsOf(body = ''): string[] {
  try {
    const { detail, message } = JSON.parse(Buffer.from(body, 'base64').toString());
    const problems = String(detail ?? message ?? '').split('; ');
    // Long texts are cut, in the midst of a problem.
    return problems.length > 1 && problems.at(-1)!.endsWith('…') ? problems.slice(0, -1) : problems;
  } catch {
    return [''];
  }
}

function isOf({ operation, check, status, says }: Exception, finding: Finding): boolean {
  return (
    operation === finding.operation &&
    check === finding.check &&
    status === finding.status &&
    says.test(finding.says)
  );
}

const reason = await whyNoPython();

describe('schemathesis', { skip: reason ?? false, timeout: SLOW_MS }, () => {
  const temporary = temporaryDirectory();
  let api: Api;
  let programs: string;

  before(async () => {
    [api, programs] = await Promise.all([startApi(), pythonWith(temporary.path, PACKAGES)]);
  });
  after(async () => {
    await api?.close();
    temporary.dispose();
  });

  it('finds nothing in the server’s answers that is not explained', async (t) => {
    const options = ['--seed', SEED, '--max-examples', EXAMPLES, '--generation-database', 'none'];
    const reports = { lines: join(temporary.path, 'run.ndjson'), summary: join(temporary.path, 'run.json') };
    await promisify(execFile)(
      join(programs, 'schemathesis'),
      [
        'run',
        `${api.url}/openapi.json`,
        ...options,
        '--continue-on-failure',
        ...['--report', 'ndjson,json'],
        ...['--report-ndjson-path', reports.lines, '--report-json-path', reports.summary],
      ],
      { cwd: temporary.path, maxBuffer: Number.POSITIVE_INFINITY },
      // It exits with 1 when it has found something.
    ).catch((error: { code: unknown; stdout: string; stderr: string }) => {
      assert.equal(error.code, 1, `${error.stdout}${error.stderr}`);
    });

    const summary = JSON.parse(readFileSync(reports.summary, 'utf8'));
    const { total, tested } = summary.operations;
    assert.deepEqual([summary.complete, tested, summary.errors], [true, total, []]);
    assert.ok(summary.test_cases.generated > 500, 'too few requests');
    const warnings = Object.entries(summary.warnings).filter(([, about]) => (about as unknown[]).length > 0);
    assert.deepEqual(warnings, []);

    const findings = readFileSync(reports.lines, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { ScenarioFinished?: { recorder: Recorder } })
      .flatMap(({ ScenarioFinished }) => findingsIn(ScenarioFinished?.recorder ?? {}));
    const unexplained = findings.filter((finding) => !EXCEPTIONS.some((row) => isOf(row, finding)));
    assert.deepEqual(unexplained, [], `seed ${SEED}`);
    for (const row of EXCEPTIONS) {
      const { length } = findings.filter((finding) => isOf(row, finding));
      t.diagnostic(`${length} times ${row.operation} ${row.status} ${row.says}: ${row.why}`);
    }
    assert.ok(findings.length > 0, 'whoever finds nothing at all did not look');
  });
});
