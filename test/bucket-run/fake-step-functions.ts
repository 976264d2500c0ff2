/** A small Step Functions over real HTTP: what this program asks of it, answered by a script. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const STATE_MACHINE = 'arn:aws:states:eu-west-1:123456789012:stateMachine:whole-bucket';
export const EXECUTION = 'arn:aws:states:eu-west-1:123456789012:execution:whole-bucket:one';
const MAP_RUN = 'arn:aws:states:eu-west-1:123456789012:mapRun:whole-bucket/map:one';

/** What a request is answered with. */
export type Answer = { status?: number; body: Record<string, unknown> };

export interface FakeStepFunctions {
  /** For `AWS_ENDPOINT_URL_SFN`. */
  url: string;
  /** Every request so far: the name of the action and its input. */
  requests: { action: string; input: Record<string, unknown> }[];
  /** The last answer of each list holds for all further requests. */
  script: Record<string, Answer[]>;
  /** Answers of an execution that needs some looks before it ends. */
  play(options: { definition: unknown; looks: number; end: Record<string, unknown> }): void;
  close(): Promise<void>;
}

export async function startFakeStepFunctions(): Promise<FakeStepFunctions> {
  const requests: FakeStepFunctions['requests'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const action = String(request.headers['x-amz-target']).replace('AWSStepFunctions.', '');
      requests.push({ action, input: JSON.parse(Buffer.concat(chunks).toString('utf8')) });
      const answers = fake.script[action] ?? [];
      const { status = 200, body } = (answers.length > 1 ? answers.shift() : answers[0]) ?? missing;
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeStepFunctions = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    script: {},
    play: ({ definition, looks, end }) => {
      requests.length = 0;
      fake.script = {
        DescribeStateMachine: [{ body: { definition: JSON.stringify(definition) } }],
        StartExecution: [{ body: { executionArn: EXECUTION, startDate: 1 } }],
        DescribeExecution: [...Array(looks).fill({ body: { status: 'RUNNING' } }), { body: end }],
        // No map at the first look: the execution has only begun.
        ListMapRuns: [{ body: { mapRuns: [] } }, { body: { mapRuns: [{ mapRunArn: MAP_RUN }] } }],
        DescribeMapRun: [{ body: { itemCounts: { succeeded: 1, failed: 1, total: 5 } } }],
      };
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return fake;
}

const missing: Answer = {
  status: 400,
  body: { __type: 'com.amazonaws.swf.service.v2.model#StateMachineDoesNotExist', message: 'no such thing' },
};

/** As Step Functions names a failure. */
export function failing(type: string, status = 400): Answer[] {
  return [{ status, body: { __type: `com.amazonaws.swf.service.v2.model#${type}`, message: 'no' } }];
}
