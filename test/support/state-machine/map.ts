/** A distributed map: items out of S3, batches, child executions, files of results in S3. */
import { randomUUID } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type DistributedMap, type Machine, readDefinition } from './definition.ts';
import { evaluate, type States, StatesError } from './expressions.ts';
import { readItems } from './items.ts';
import { type Ended, runStateMachine, type Services } from './state-machine.ts';

interface Batch {
  Items: unknown[];
  BatchInput: unknown;
}

/** @returns what the state passes on: where its results are */
export async function runDistributedMap(
  map: DistributedMap,
  states: States,
  services: Services,
): Promise<unknown> {
  const items = await readItems(map.ItemReader, states, services.s3);
  const batches = batchesOf(items, map, await evaluate(map.ItemBatcher.BatchInput, states));
  const run = new MapRun(batches, items.length, map.ToleratedFailurePercentage);
  services.mapRun(run.counts());
  const machine = readDefinition(map.ItemProcessor);
  await Promise.all(Array.from({ length: map.MaxConcurrency }, () => work(run, machine, services)));
  const id = randomUUID();
  const details = await writeResults(run, id, map.ResultWriter.Arguments, services.s3);
  if (run.gaveUp()) throw new StatesError('States.ExceedToleratedFailureThreshold', 'too many items failed');
  return {
    MapRunArn: `arn:aws:states:eu-west-1:123456789012:mapRun:test/map:${id}`,
    ResultWriterDetails: details,
  };
}

/** As many items as fit: by number, and by the bytes of the whole input. */
function batchesOf(items: unknown[], { ItemBatcher }: DistributedMap, BatchInput: unknown): Batch[] {
  const batches: Batch[] = [];
  const fits = (batch: Batch) =>
    batch.Items.length <= ItemBatcher.MaxItemsPerBatch &&
    Buffer.byteLength(JSON.stringify(batch)) <= ItemBatcher.MaxInputBytesPerBatch;
  for (const item of items) {
    const last = batches.at(-1);
    if (last !== undefined && fits({ ...last, Items: [...last.Items, item] })) last.Items.push(item);
    else batches.push({ Items: [item], BatchInput });
  }
  return batches;
}

/** Takes batches as long as there are any, and as long as not too many items have failed. */
async function work(run: MapRun, machine: Machine, services: Services): Promise<void> {
  for (;;) {
    const batch = run.take();
    if (batch === undefined) return;
    run.end(batch, await runStateMachine(machine, batch, services));
    services.mapRun(run.counts());
  }
}

class MapRun {
  readonly ended: { batch: Batch; end: Ended }[] = [];
  private readonly pending: Batch[];
  private readonly total: number;
  private readonly tolerated: number;

  constructor(batches: Batch[], total: number, toleratedPercentage: number) {
    this.pending = [...batches];
    this.total = total;
    this.tolerated = (total * toleratedPercentage) / 100;
  }

  take(): Batch | undefined {
    return this.gaveUp() ? undefined : this.pending.shift();
  }

  end(batch: Batch, end: Ended): void {
    this.ended.push({ batch, end });
  }

  /** Exactly the tolerated number is still tolerated. */
  gaveUp(): boolean {
    return this.counts().failed > this.tolerated;
  }

  counts() {
    const itemsOf = (status: Ended['status']) =>
      this.ended.reduce((sum, { batch, end }) => sum + (end.status === status ? batch.Items.length : 0), 0);
    const succeeded = itemsOf('SUCCEEDED');
    const failed = itemsOf('FAILED');
    return { total: this.total, succeeded, failed, pending: this.total - succeeded - failed };
  }
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html */
async function writeResults(
  { ended }: MapRun,
  id: string,
  { Bucket, Prefix }: { Bucket: string; Prefix: string },
  s3: S3Client,
): Promise<{ Bucket: string; Key: string }> {
  const lines = { SUCCEEDED: [] as string[], FAILED: [] as string[] };
  for (const { batch, end } of ended) lines[end.status].push(JSON.stringify(recordOf(batch, end)));
  const files: Record<string, { Key: string; Size: number }[]> = { FAILED: [], PENDING: [], SUCCEEDED: [] };
  const put = async (name: string, text: string) => {
    const Key = `${Prefix}/${id}/${name}`;
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: text }));
    return { Key, Size: Buffer.byteLength(text) };
  };
  for (const status of ['SUCCEEDED', 'FAILED'] as const) {
    if (lines[status].length === 0) continue;
    files[status]!.push(await put(`${status}_0.jsonl`, `${lines[status].join('\n')}\n`));
  }
  const manifest = { DestinationBucket: Bucket, MapRunArn: id, ResultFiles: files };
  const { Key } = await put('manifest.json', JSON.stringify(manifest));
  return { Bucket, Key };
}

/** `COMPACT`: the output alone; of an execution that failed everything, its input as text. */
function recordOf(batch: Batch, end: Ended): unknown {
  if (end.status === 'SUCCEEDED') return end.output;
  const Input = JSON.stringify(batch);
  return { Cause: end.cause, Error: end.error, Input, InputDetails: { Included: true }, Status: 'FAILED' };
}
