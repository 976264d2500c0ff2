/** Names that say which process made a file, so that a later run can tell whether it is still at work. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** `4711-1f3a90bc-77c0ffee-9b1d2c3e4f50`: process, when it was born, where it runs, and what makes each name another. */
const MAKER = /(?<pid>\d{1,10})-(?<born>[0-9a-f]{8})-(?<place>[0-9a-f]{8})-[0-9a-f]{12}/;

/** What of a name `makerName` gave. */
export function makerIn(name: string): string | undefined {
  return MAKER.exec(name)?.[0];
}

/** Where the system does not tell when a process began. */
const UNKNOWN = '00000000';

/** A new name of this process. */
export function makerName(): string {
  return `${process.pid}-${bornOf(process.pid)}-${placeHere()}-${randomBytes(6).toString('hex')}`;
}

/** Of a process on another machine or in another container nothing is known here. */
export type MakerState = 'at work' | 'gone' | 'elsewhere';

/** @param name holds one that `makerName` gave; of any other nothing is known either */
export function makerState(name: string): MakerState {
  const { pid, born, place } = MAKER.exec(name)?.groups ?? {};
  if (place !== placeHere()) return 'elsewhere';
  return isAtWork(Number(pid), born!) ? 'at work' : 'gone';
}

function isAtWork(pid: number, born: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Not EPERM: it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  // Its number may be another process's by now.
  const now = bornOf(pid);
  return now === born || now === UNKNOWN || born === UNKNOWN;
}

/** Of the start since which boot; a process that ended but was not waited for yet has none. */
function bornOf(pid: number): string {
  try {
    // proc_pid_stat(5): the name in parentheses may hold anything; state is field 3, the start field 22.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    if (fields[0] === 'Z') return 'ended';
    return digest(`${fields[19]} ${readFileSync('/proc/sys/kernel/random/boot_id')}`);
  } catch {
    return UNKNOWN;
  }
}

/** Numbers of processes count in one machine, and on Linux in one namespace of it. */
function placeHere(): string {
  let namespace: string | undefined;
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux.
  }
  return digest(`${hostname()} ${namespace}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
