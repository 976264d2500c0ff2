/**
 * JSONata in state machines: every string `{% … %}` of a template is an expression over `$states`.
 * https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
import jsonata from 'jsonata';

/** A failure as Step Functions names it. */
export class StatesError extends Error {
  readonly error: string;
  /** What Step Functions calls its cause. */
  readonly reason: string;

  constructor(error: string, reason: string) {
    super(`${error}: ${reason}`);
    this.error = error;
    this.reason = reason;
  }
}

/** What expressions see as `$states`. */
export interface States {
  input: unknown;
  context: Record<string, unknown>;
  result?: unknown;
  errorOutput?: unknown;
}

const EXPRESSION = /^\{%([\s\S]*)%\}$/;

/** @throws StatesError */
export async function evaluate(template: unknown, states: States): Promise<unknown> {
  if (typeof template === 'string') return await evaluateText(template, states);
  if (Array.isArray(template)) {
    return await Promise.all(template.map((item) => evaluate(item, states)));
  }
  if (typeof template !== 'object' || template === null) return template;
  const entries = Object.entries(template).map(async ([k, v]) => [k, await evaluate(v, states)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function evaluateText(text: string, states: States): Promise<unknown> {
  const source = EXPRESSION.exec(text)?.[1];
  if (source === undefined) return text;
  let value: unknown;
  try {
    const expression = jsonata(source);
    // Step Functions' own function in place of JSONata's `$eval`.
    expression.registerFunction('parse', (json: string) => JSON.parse(json), '<s:x>');
    value = await expression.evaluate(undefined, { states });
  } catch (error) {
    throw new StatesError('States.QueryEvaluationError', String((error as Error).message));
  }
  if (value === undefined) throw new StatesError('States.QueryEvaluationError', `${text} is nothing`);
  // Without JSONata's own marks on its arrays.
  return JSON.parse(JSON.stringify(value));
}
