/** The part of the Amazon States Language that is interpreted here; anything else is refused, never ignored. */
import * as z from 'zod';

const names = z.array(z.string()).min(1);

const retrySchema = z.strictObject({
  ErrorEquals: names,
  IntervalSeconds: z.int().min(1).default(1),
  MaxAttempts: z.int().min(0).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.int().min(1).optional(),
  JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
});
export type Retrier = z.output<typeof retrySchema>;

const catchSchema = z.strictObject({ ErrorEquals: names, Next: z.string() });

const common = { QueryLanguage: z.literal('JSONata').optional(), Comment: z.string().optional() };
const onward = { Next: z.string().optional(), End: z.literal(true).optional() };
const handling = { Retry: z.array(retrySchema).default([]), Catch: z.array(catchSchema).default([]) };

const taskSchema = z.strictObject({
  ...common,
  ...onward,
  ...handling,
  Type: z.literal('Task'),
  Resource: z.string().regex(/:states:::lambda:invoke$/),
  TimeoutSeconds: z.int().min(1),
  Arguments: z.strictObject({ FunctionName: z.string(), Payload: z.unknown() }),
  Output: z.unknown(),
});
export type Task = z.output<typeof taskSchema>;

const choiceSchema = z.strictObject({
  ...common,
  Type: z.literal('Choice'),
  Choices: z.array(z.strictObject({ Condition: z.string(), Next: z.string() })).min(1),
  Default: z.string().optional(),
});

const passSchema = z.strictObject({ ...common, ...onward, Type: z.literal('Pass'), Output: z.unknown() });
const succeedSchema = z.strictObject({ ...common, Type: z.literal('Succeed') });
const failSchema = z.strictObject({
  ...common,
  Type: z.literal('Fail'),
  Error: z.string(),
  Cause: z.string(),
});

const readerSchema = z.union([
  z.strictObject({
    Resource: z.string().regex(/:states:::s3:listObjectsV2$/),
    Arguments: z.strictObject({ Bucket: z.string(), Prefix: z.string() }),
  }),
  z.strictObject({
    Resource: z.string().regex(/:states:::s3:getObject$/),
    ReaderConfig: z.union([
      z.strictObject({ InputType: z.literal('MANIFEST') }),
      z.strictObject({ InputType: z.literal('CSV'), CSVHeaderLocation: z.literal('FIRST_ROW') }),
    ]),
    Arguments: z.strictObject({ Bucket: z.string(), Key: z.string() }),
  }),
]);
export type ItemReader = z.output<typeof readerSchema>;

const mapSchema = z.strictObject({
  ...common,
  ...onward,
  ...handling,
  Type: z.literal('Map'),
  MaxConcurrency: z.int().min(1),
  ToleratedFailurePercentage: z.number().min(0).max(100),
  ItemReader: readerSchema,
  ItemBatcher: z.strictObject({
    MaxItemsPerBatch: z.int().min(1),
    MaxInputBytesPerBatch: z
      .int()
      .min(1)
      .max(256 << 10),
    BatchInput: z.unknown(),
  }),
  ItemProcessor: z.looseObject({
    ProcessorConfig: z.strictObject({ Mode: z.literal('DISTRIBUTED'), ExecutionType: z.literal('EXPRESS') }),
  }),
  ResultWriter: z.strictObject({
    Resource: z.string().regex(/:states:::s3:putObject$/),
    Arguments: z.strictObject({ Bucket: z.string(), Prefix: z.string() }),
    WriterConfig: z.strictObject({ OutputType: z.literal('JSONL'), Transformation: z.literal('COMPACT') }),
  }),
});
export type DistributedMap = z.output<typeof mapSchema>;

const stateSchema = z.discriminatedUnion('Type', [
  taskSchema,
  choiceSchema,
  passSchema,
  succeedSchema,
  failSchema,
  mapSchema,
]);
export type State = z.output<typeof stateSchema>;

const machineSchema = z.strictObject({
  QueryLanguage: z.literal('JSONata').optional(),
  ProcessorConfig: z.unknown().optional(),
  StartAt: z.string(),
  States: z.record(z.string(), stateSchema),
});
export type Machine = z.output<typeof machineSchema>;

/** @throws ZodError for anything that is not interpreted here */
export function readDefinition(definition: unknown): Machine {
  return machineSchema.parse(definition);
}

export type Template = { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> };

/**
 * The definition of the state machine whose logical id contains `name`, as CloudFormation would pass it on.
 * @param lookUp what `Ref` and `Fn::GetAtt` of a logical id or a pseudo parameter stand for
 */
export function definitionOf(
  template: Template,
  name: string,
  lookUp: (id: string) => string | undefined,
): unknown {
  const found = Object.entries(template.Resources).filter(
    ([id, { Type }]) => Type === 'AWS::StepFunctions::StateMachine' && id.includes(name),
  );
  if (found.length !== 1) throw new Error(`${found.length} state machines are called ${name}`);
  return JSON.parse(resolve(found[0]![1].Properties.DefinitionString, lookUp));
}

const joinSchema = z.strictObject({ 'Fn::Join': z.tuple([z.literal(''), z.array(z.unknown())]) });
const refSchema = z.strictObject({ Ref: z.string() });
const getSchema = z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) });

function resolve(value: unknown, lookUp: (id: string) => string | undefined): string {
  if (typeof value === 'string') return value;
  const join = joinSchema.safeParse(value).data;
  if (join) return join['Fn::Join'][1].map((part) => resolve(part, lookUp)).join('');
  const id = refSchema.safeParse(value).data?.Ref ?? getSchema.parse(value)['Fn::GetAtt'][0];
  const resolved = lookUp(id);
  if (resolved === undefined) throw new Error(`nothing is known for ${id}`);
  return resolved;
}
