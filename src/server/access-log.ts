/** One line a request: JSON, for whatever collects logs. */
import type { RequestReport } from '../http/parts.ts';
import { traceFields } from '../http/report.ts';
import { printableJson } from '../printable.ts';
import { createLineWriter } from './line-writer.ts';
import type { ConsumerReport } from './queue-consumer.ts';
import type { Refusal, RefusalCode } from './refusal.ts';

export type ReportLine = Omit<RequestReport, 'code' | 'method'> & {
  /** Absent where no request could be read. */
  method?: string;
  code?: RequestReport['code'] | RefusalCode;
};

/** To standard error: standard output says where the server listens, and may be read by a program. */
export function createLog(): (line: ReportLine | ConsumerReport) => void {
  const write = createLineWriter();
  return (line) => write(lineOf(line), (lost) => lineOf({ linesLost: lost }));
}

function lineOf(content: object): string {
  return `${printableJson({ time: new Date().toISOString(), ...content })}\n`;
}

/** The line for a request that the app never saw. */
export function reportOfRefusal(
  { requestId: id, trace, status, code }: Refusal,
  { method, route = 'other' }: { method?: string | undefined; route?: string } = {},
): ReportLine {
  const known = method === undefined ? {} : { method };
  return {
    id,
    ...traceFields(trace),
    ...known,
    route,
    status,
    code,
    bytes: 0,
    images: 0,
    milliseconds: 0,
  };
}
