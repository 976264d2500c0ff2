/** What Linux's /proc says of a process. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Of `utime` and `stime`: USER_HZ, 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;

export interface Memory {
  rssMiB: number;
  peakMiB: number;
}

/** Read at once, before the process can go on. */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  // "VmRSS:     123456 kB"
  const kilobytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { rssMiB: kilobytes('VmRSS') / 1024, peakMiB: kilobytes('VmHWM') / 1024 };
}

/** From now on the peak is that of what comes: proc(5), `clear_refs`. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** User and system time of all its threads since it started. */
export function processorMilliseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Fields 14 and 15; counted after the name, which may hold blanks.
  const [, utime, stime] = /^.*\)(?: \S+){11} (\d+) (\d+)/s.exec(stat)!;
  return (Number(utime) + Number(stime)) * MS_PER_TICK;
}
