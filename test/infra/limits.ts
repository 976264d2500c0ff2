/** One function's share of a machine, for this process and what it starts. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const GROUPS = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

/**
 * Puts this process under Lambda's limits, where the machine has control groups (version 1) and lets us make some.
 * @returns how to leave them; null where there is no such thing
 */
export function enterLimits({
  megabytes,
  processors,
}: {
  megabytes: number;
  processors: number;
}): (() => void) | null {
  const name = `captioner-${process.pid}`;
  const before = readFileSync('/proc/self/cgroup', 'utf8');
  const pathOf = (controller: string) =>
    before
      .split('\n')
      .find((line) => line.split(':')[1] === controller)
      ?.split(':')[2];
  const places = ['memory', 'cpu'].map((controller) => join(GROUPS, controller, name));
  const [memory, cpu] = places as [string, string];
  try {
    for (const place of places) mkdirSync(place);
    writeFileSync(join(memory, 'memory.limit_in_bytes'), String(megabytes << 20));
    writeFileSync(join(cpu, 'cpu.cfs_period_us'), String(PERIOD_US));
    writeFileSync(join(cpu, 'cpu.cfs_quota_us'), String(PERIOD_US * processors));
    for (const place of places) writeFileSync(join(place, 'cgroup.procs'), String(process.pid));
  } catch {
    return null;
  }
  return () => {
    for (const controller of ['memory', 'cpu']) {
      writeFileSync(join(GROUPS, controller, pathOf(controller) ?? '', 'cgroup.procs'), String(process.pid));
    }
    for (const place of places) rmdirSync(place);
  };
}

/** The most memory that the only function started by this process ever held, in MB. */
export function peakOfFunction(): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ');
  const [runtime] = children.filter((id) =>
    readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('aws-lambda-ric'),
  );
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${runtime}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
