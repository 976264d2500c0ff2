/** The process that a function runs in: AWS's runtime client, the handler, and what Lambda puts into its environment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runtimeClient } from './client/install.ts';

const TRANSPORT = fileURLToPath(new URL('./client/transport.ts', import.meta.url));

export interface FunctionOptions {
  /** Task root: holds the handler's module. */
  directory: string;
  /** `module.export`. */
  handler: string;
  environment: Record<string, string>;
  /** Of one invocation, ms. @default 30000 */
  timeout?: number;
  /** MB. @default 1769 */
  memory?: number;
}

/** @param port of the Runtime API */
export function spawnRuntime(
  options: FunctionOptions,
  port: number,
  onOutput: (text: string) => void,
): ChildProcess {
  const child = spawn(process.execPath, ['--import', TRANSPORT, runtimeClient()], {
    cwd: options.directory,
    env: environmentOf(options, port),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', onOutput);
  return child;
}

/** Settles when the process has ended. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** Nothing of this process' own environment but where programs are. */
function environmentOf({ directory, handler, environment, memory = 1769 }: FunctionOptions, port: number) {
  return {
    PATH: process.env.PATH,
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
    AWS_LAMBDA_FUNCTION_NAME: 'test',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memory),
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/test',
    AWS_LAMBDA_LOG_STREAM_NAME: 'test',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    LAMBDA_TASK_ROOT: directory,
    _HANDLER: handler,
    ...environment,
  };
}
