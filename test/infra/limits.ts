/** One function's share of a machine, for this process or for what it starts. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const GROUPS = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

interface Limits {
  megabytes: number;
  processors: number;
}

/** What is started between `enter` and `leave` stays in it. */
export interface LimitedGroup {
  enter(): void;
  leave(): void;
  setProcessors(processors: number): void;
  /** Once nothing runs in it any more. */
  remove(): void;
}

let made = 0;

/** A control group with Lambda's limits; null where the machine has none of version 1, or lets us make none. */
export function limitedGroup({ megabytes, processors }: Limits): LimitedGroup | null {
  const name = `captioner-${process.pid}-${++made}`;
  const before = readFileSync('/proc/self/cgroup', 'utf8');
  const pathOf = (controller: string) =>
    before
      .split('\n')
      .find((line) => line.split(':')[1] === controller)
      ?.split(':')[2];
  const places = ['memory', 'cpu'].map((controller) => join(GROUPS, controller, name));
  const [memory, cpu] = places as [string, string];
  const enterGroup = (place: string) => writeFileSync(join(place, 'cgroup.procs'), String(process.pid));
  const setProcessors = (share: number) =>
    writeFileSync(join(cpu, 'cpu.cfs_quota_us'), String(Math.round(PERIOD_US * share)));
  const remove = () => {
    for (const place of places) if (existsSync(place)) rmdirSync(place);
  };
  try {
    for (const place of places) mkdirSync(place);
    writeFileSync(join(memory, 'memory.limit_in_bytes'), String(megabytes * 2 ** 20));
    writeFileSync(join(cpu, 'cpu.cfs_period_us'), String(PERIOD_US));
    setProcessors(processors);
  } catch {
    remove();
    return null;
  }
  return {
    enter: () => {
      for (const place of places) enterGroup(place);
    },
    leave: () => {
      for (const controller of ['memory', 'cpu'])
        enterGroup(join(GROUPS, controller, pathOf(controller) ?? ''));
    },
    setProcessors,
    remove,
  };
}

/**
 * Puts this process under the limits.
 * @returns how to leave them; null where there is no such thing
 */
export function enterLimits(limits: Limits): (() => void) | null {
  const group = limitedGroup(limits);
  group?.enter();
  return (
    group &&
    (() => {
      group.leave();
      group.remove();
    })
  );
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
